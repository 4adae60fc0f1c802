#include "daemons/service/app.h"

#include <CLI/CLI.hpp>

#include <cstdio>

#include "build_info.h"
#include "config/daemon_config.h"
#include "daemons/service/exit_codes.h"
#include "daemons/service/service.h"

namespace kpay::daemons {

namespace {

int refuse_config(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return kExitConfig;
}

int run_file(const DaemonKind& kind, const std::string& file, bool only_check) {
  Result<config::DaemonConfig> config = config::load_daemon_config(file);
  if (!config) {
    return refuse_config(config.error());
  }
  const BuildInfo build{std::string(kVersion), std::string(kCommit)};
  return only_check ? selfcheck(kind, *config) : run_service(kind, *config, build);
}

}  // namespace

int run_daemon(int argc, char** argv, const DaemonKind& kind) {
  CLI::App app("kpay: payments as events; this is " + kind.name, kind.name);
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
    std::printf("%s %s (%s)\n", kind.name.c_str(), std::string(kVersion).c_str(),
                std::string(kCommit).c_str());
    return kExitOk;
  }
  if (reference->parsed() || example->parsed()) {
    const std::string text = reference->parsed() ? config::reference(config::daemon_schema())
                                                 : config::example(config::daemon_schema());
    std::fputs(text.c_str(), stdout);
    return kExitOk;
  }
  if (config_check->parsed()) {
    Result<config::DaemonConfig> loaded = config::load_daemon_config(file);
    if (!loaded) {
      return refuse_config(loaded.error());
    }
    std::printf("%s: ok, config hash %s\n", file.c_str(), loaded->hash.c_str());
    return kExitOk;
  }
  if (file.empty()) {
    std::fprintf(stderr, "%s: --config FILE is required; `%s config example` prints one\n",
                 kind.name.c_str(), kind.name.c_str());
    return kExitUsage;
  }
  return run_file(kind, file, check->parsed());
}

}  // namespace kpay::daemons
