#include "daemons/service/plain_app.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "build_info.h"
#include "config/config.h"
#include "daemons/service/exit_codes.h"

namespace kpay::daemons {

namespace {

int run_file(const PlainApp& plain, const std::string& file, bool only_check) {
  const Result<std::string> hash = plain.check_file(file);
  if (!hash) {
    std::fprintf(stderr, "%s\n", hash.error().message.c_str());
    return kExitConfig;
  }
  return only_check ? plain.selfcheck(file)
                    : plain.run(file, {std::string(kVersion), std::string(kCommit)});
}

int check_file(const PlainApp& plain, const std::string& file) {
  const Result<std::string> hash = plain.check_file(file);
  if (!hash) {
    std::fprintf(stderr, "%s\n", hash.error().message.c_str());
    return kExitConfig;
  }
  std::printf("%s: ok, config hash %s\n", file.c_str(), hash->c_str());
  return kExitOk;
}

}  // namespace

int run_plain_app(const PlainApp& plain, int argc, char** argv) {
  CLI::App app("kpay: payments as events; this is " + plain.name + ", " + plain.about, plain.name);
  app.footer(plain.footer);
  std::string file;
  app.add_option("--config", file, "the configuration file")->check(CLI::ExistingFile);
  CLI::App* check = app.add_subcommand("selfcheck", "does everything but run");
  check->add_option("--config", file, "the configuration file")
      ->required()
      ->check(CLI::ExistingFile);
  CLI::App* config =
      app.add_subcommand("config", "about the configuration file")->require_subcommand(1);
  CLI::App* config_check = config->add_subcommand("check", "checks a file, offline");
  config_check->add_option("file", file, "the configuration file")->required();
  CLI::App* reference = config->add_subcommand("reference", "prints every field");
  CLI::App* example = config->add_subcommand("example", "prints a file with all defaults");
  CLI::App* version = app.add_subcommand("version", "prints version and commit");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitOk : kExitUsage;
  }
  if (version->parsed()) {
    std::printf("%s %s (%s)\n", plain.name.c_str(), std::string(kVersion).c_str(),
                std::string(kCommit).c_str());
    return kExitOk;
  }
  if (reference->parsed() || example->parsed()) {
    const config::Schema schema = plain.schema();
    const std::string text =
        reference->parsed() ? config::reference(schema) : config::example(schema);
    std::fputs(text.c_str(), stdout);
    return kExitOk;
  }
  if (config_check->parsed()) {
    return check_file(plain, file);
  }
  if (file.empty()) {
    std::fprintf(stderr, "%s: --config FILE is required; `%s config example` prints one\n",
                 plain.name.c_str(), plain.name.c_str());
    return kExitUsage;
  }
  return run_file(plain, file, check->parsed());
}

}  // namespace kpay::daemons
