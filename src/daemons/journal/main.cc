#include "daemons/journal/journal.h"
#include "daemons/service/plain_app.h"

int main(int argc, char** argv) {
  namespace config = kpay::config;
  const auto load = [](const std::string& file) {
    return config::load_journal_config(file).value();
  };
  const kpay::daemons::PlainApp plain{
      "kpay-journal",
      "the conservation auditor",
      config::journal_schema,
      [](const std::string& file) -> kpay::Result<std::string> {
        const auto read = config::load_journal_config(file);
        return read ? kpay::Result<std::string>(read->hash) : kpay::Unexpected(read.error());
      },
      [load](const std::string& file, const kpay::daemons::BuildInfo& build) {
        return kpay::journal::run_journal(load(file), build);
      },
      [load](const std::string& file) { return kpay::journal::check_journal(load(file)); }};
  return kpay::daemons::run_plain_app(plain, argc, argv);
}
