#include "daemons/service/app.h"

#include <CLI/CLI.hpp>

#include <cstdio>

#include "build_info.h"
#include "config/daemon_config.h"
#include "daemons/service/admin.h"
#include "daemons/service/exit_codes.h"
#include "daemons/service/restore_snapshot.h"
#include "daemons/service/service.h"
#include "http/target.h"

namespace kpay::daemons {

namespace {

int refuse_config(const Error& error) {
  std::fprintf(stderr, "%s\n", error.message.c_str());
  return kExitConfig;
}

int run_file(const DaemonKind& kind, const std::string& file, bool only_check,
             std::optional<std::chrono::seconds> finish) {
  Result<config::DaemonConfig> config = config::load_daemon_config(file);
  if (!config) {
    return refuse_config(config.error());
  }
  const BuildInfo build{std::string(kVersion), std::string(kCommit)};
  return only_check ? selfcheck(kind, *config) : run_service(kind, *config, build, finish);
}

int restore_file(const DaemonKind& kind, const std::string& file, const std::string& snapshot) {
  Result<config::DaemonConfig> config = config::load_daemon_config(file);
  if (!config) {
    return refuse_config(config.error());
  }
  const Result<std::string> done = restore_snapshot(kind, *config, snapshot);
  std::fprintf(done ? stdout : stderr, "%s\n", done ? done->c_str() : done.error().message.c_str());
  return done ? kExitOk : exit_code_of(done.error().code);
}

// `admin`, with what its verbs mean to the admin socket.
struct AdminCommandLine {
  CLI::App* app = nullptr;
  std::string socket{};
  std::string config{};
  std::string level{};
  std::string folder{};
  std::int64_t deadline_ms = 0;
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t from = 0;

  explicit AdminCommandLine(CLI::App& root) {
    app = root.add_subcommand("admin", "asks the running daemon, over its admin socket");
    app->require_subcommand(1);
    app->add_option("--socket", socket, "the admin socket; without it, that of --config");
    app->add_option("--config", config, "the daemon's configuration file")
        ->check(CLI::ExistingFile);
    app->add_subcommand("status", "prints build, configuration, phase and tasks")->fallthrough();
    CLI::App* drain = app->add_subcommand(
        "drain", "releases every task with a clean marker, and prints the drain records");
    drain->fallthrough();
    drain->add_option("--deadline-ms", deadline_ms, "what takes longer is dropped; stop.deadline")
        ->check(CLI::Range(1, 600'000));
    CLI::App* snapshot = app->add_subcommand(
        "snapshot", "copies every task's state to a snapshot, while it runs, and prints them");
    snapshot->fallthrough();
    snapshot->add_option("path", folder,
                         "a folder on the daemon's host to put them in; without it, "
                         "snapshots.directory, which the inputs are kept for (R20)");
    app->add_subcommand("resume", "takes tasks again after a drain")->fallthrough();
    app->add_subcommand("acknowledge-time", "a jump of time is right: go on (R3)")->fallthrough();
    CLI::App* again = app->add_subcommand(
        "re-emit",
        "has a task tell again what follows from a kept snapshot, for what was lost (R26)");
    again->fallthrough();
    again->add_option("stage", stage, "the task's stage, as account")->required();
    again->add_option("partition", partition, "and its partition")
        ->required()
        ->check(CLI::NonNegativeNumber);
    again->add_option("--from", from, "the input offset from where on something is lost")
        ->required()
        ->check(CLI::NonNegativeNumber);
    CLI::App* log = app->add_subcommand("log-level", "the lowest level that is logged");
    log->fallthrough();
    log->add_option("level", level, "debug, info, warning or error")
        ->required()
        ->check(CLI::IsMember({"debug", "info", "warning", "error"}));
  }

  [[nodiscard]] int run() const {
    std::string path = socket;
    if (path.empty() && !config.empty()) {
      Result<kpay::config::DaemonConfig> loaded = kpay::config::load_daemon_config(config);
      if (!loaded) {
        return refuse_config(loaded.error());
      }
      path = admin_socket_path(*loaded);
    }
    if (path.empty()) {
      std::fprintf(stderr, "which daemon? --socket PATH, or --config FILE with an admin.socket\n");
      return kExitUsage;
    }
    const std::string verb = app->get_subcommands().front()->get_name();
    if (verb == "status") {
      return run_admin_command(path, "GET", "/status");
    }
    std::string target = "/" + verb;
    target += level.empty() ? "" : "?level=" + level;
    target += folder.empty() ? "" : "?path=" + http::percent_encode(folder);
    target += deadline_ms == 0 ? "" : "?deadline_ms=" + std::to_string(deadline_ms);
    if (!stage.empty()) {
      target += "?stage=" + http::percent_encode(stage) +
                "&partition=" + std::to_string(partition) + "&from=" + std::to_string(from);
    }
    return run_admin_command(path, "POST", target);
  }
};

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
  CLI::App* finish = app.add_subcommand(
      "finish", "runs to the switch records, writes clean markers there, and ends (R22)");
  finish->add_option("--config", file, "the configuration file")
      ->required()
      ->check(CLI::ExistingFile);
  std::chrono::seconds::rep finish_s = 600;
  finish->add_option("--timeout", finish_s, "seconds until it gives up, with exit code 82 [600]")
      ->check(CLI::Range(1, 86'400));
  const AdminCommandLine admin(app);
  std::string snapshot;
  CLI::App* restore = app.add_subcommand(
      "restore-snapshot", "puts a snapshot in a task's place, while the daemon is stopped");
  restore->add_option("--config", file, "the configuration file")
      ->required()
      ->check(CLI::ExistingFile);
  restore->add_option("snapshot", snapshot, "its folder")->required();
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
    const std::string text = reference->parsed() ? config::configuration_page()
                                                 : config::example(config::daemon_schema());
    std::fputs(text.c_str(), stdout);
    return kExitOk;
  }
  if (admin.app->parsed()) {
    return admin.run();
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
  if (restore->parsed()) {
    return restore_file(kind, file, snapshot);
  }
  return run_file(kind, file, check->parsed(),
                  finish->parsed() ? std::optional(std::chrono::seconds(finish_s)) : std::nullopt);
}

}  // namespace kpay::daemons
