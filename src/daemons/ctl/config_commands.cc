#include <CLI/CLI.hpp>
#include <memory>

#include "config/daemon_config.h"
#include "daemons/ctl/cli.h"
#include "http/json.h"

namespace kpay::ctl {

namespace {

Result<Answer> check_file(const std::string& path) {
  Result<config::Config> file = config::load(path, config::tool_schema());
  if (!file) {
    return Unexpected(file.error());
  }
  return Answer{http::JsonObject().add("ok", true).add("config_hash", file->hash()).finish(),
                path + " is right; hash " + file->hash() + "\n"};
}

Result<Answer> show_reference() {
  const std::string page = config::reference(config::tool_schema());
  return Answer{http::JsonObject().add("reference", page).finish(), page};
}

}  // namespace

void add_config(CLI::App& app, Session& session) {
  CLI::App* config = app.add_subcommand("config", "The file that --config takes");
  config->require_subcommand(1);
  const auto path = std::make_shared<std::string>();
  CLI::App* check = config->add_subcommand("check", "Check a file, offline");
  check->add_option("FILE", *path, "The file")->required();
  check->callback([&session, path] { session.chosen = [path] { return check_file(*path); }; });
  config->add_subcommand("reference", "Every field, as Markdown")->callback([&session] {
    session.chosen = show_reference;
  });
}

}  // namespace kpay::ctl
