#include "daemons/ctl/change.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>

namespace kpay::ctl {

void add_dry_run(CLI::App& command, Session& session) {
  command.add_flag("--dry-run", session.dry_run, "Say what would change, and change nothing");
}

void add_danger_options(CLI::App& command, Session& session) {
  add_dry_run(command, session);
  command.add_flag("-y,--yes", session.yes, "Don't ask");
  command.add_flag("--no-input", session.no_input, "Never ask: without --yes it is exit 2");
}

std::optional<Answer> ask(const Session& session, const tool::Connection& connection,
                          const std::string& effect) {
  if (session.yes) {
    return std::nullopt;
  }
  const std::string where =
      effect + " (" + connection.client.bootstrap_servers + ", topics " + connection.prefix + "*)";
  if (session.no_input || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
    return failed(tool::Exit::usage, "confirmation_needed", where + ": that needs a confirmation",
                  "without a terminal, confirm it with --yes");
  }
  std::fprintf(stderr, "%s\nGo on? [y/N] ", where.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  if (answer == "y" || answer == "Y" || answer == "yes") {
    return std::nullopt;
  }
  return failed(tool::Exit::refused, "declined", "not confirmed: nothing was changed");
}

std::string operator_name() {
  for (const char* name : {"SUDO_USER", "USER", "LOGNAME"}) {
    if (const char* value = std::getenv(name); value != nullptr && *value != '\0') {
      return value;
    }
  }
  return "unknown";
}

}  // namespace kpay::ctl
