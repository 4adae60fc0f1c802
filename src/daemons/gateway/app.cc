#include "daemons/gateway/app.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "build_info.h"
#include "daemons/gateway/gateway.h"
#include "daemons/service/exit_codes.h"

namespace kpay::gateway {

namespace {

int run_file(const std::string& file, bool only_check) {
  const Result<config::GatewayConfig> config = config::load_gateway_config(file);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return daemons::kExitConfig;
  }
  if (only_check) {
    return check_gateway(*config);
  }
  const daemons::BuildInfo build{std::string(kVersion), std::string(kCommit)};
  return run_gateway(*config, build);
}

int check_file(const std::string& file) {
  const Result<config::GatewayConfig> config = config::load_gateway_config(file);
  if (!config) {
    std::fprintf(stderr, "%s\n", config.error().message.c_str());
    return daemons::kExitConfig;
  }
  std::printf("%s: ok, config hash %s\n", file.c_str(), config->hash.c_str());
  return daemons::kExitOk;
}

}  // namespace

int run_app(int argc, char** argv) {
  CLI::App app("kpay: payments as events; this is kpay-gateway, the API and the page",
               "kpay-gateway");
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
    return app.exit(error) == 0 ? daemons::kExitOk : daemons::kExitUsage;
  }
  if (version->parsed()) {
    std::printf("kpay-gateway %s (%s)\n", std::string(kVersion).c_str(),
                std::string(kCommit).c_str());
    return daemons::kExitOk;
  }
  if (reference->parsed() || example->parsed()) {
    const config::Schema schema = config::gateway_schema();
    const std::string text =
        reference->parsed() ? config::reference(schema) : config::example(schema);
    std::fputs(text.c_str(), stdout);
    return daemons::kExitOk;
  }
  if (config_check->parsed()) {
    return check_file(file);
  }
  if (file.empty()) {
    std::fprintf(stderr,
                 "kpay-gateway: --config FILE is required; `kpay-gateway config example` "
                 "prints one\n");
    return daemons::kExitUsage;
  }
  return run_file(file, check->parsed());
}

}  // namespace kpay::gateway
