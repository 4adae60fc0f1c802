#include "daemons/ctl/change.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <variant>

#include "stream/operator_record.h"

namespace kpay::ctl {

void add_dry_run(CLI::App& command, Session& session) {
  command.add_flag("--dry-run", session.dry_run, "Say what would change, and change nothing");
}

void add_danger_options(CLI::App& command, Session& session) {
  add_dry_run(command, session);
  command.add_flag("-y,--yes", session.yes, "Don't ask");
  command.add_flag("--no-input", session.no_input, "Never ask: without --yes it is exit 2");
}

void add_signing_options(CLI::App& command, Session& session) {
  command
      .add_option("--key", session.signing.keys,
                  "Sign with this private key file; more than once for several")
      ->expected(1, static_cast<int>(stream::kSignaturesMax))
      ->envname("KPAYCTL_KEY");
  command.add_option(
      "--propose", session.signing.propose,
      "Write the records to this file, for others to sign and send, and send nothing");
}

namespace {

// What was typed in answer to the question; nothing with --yes. An Answer ends the command.
std::variant<std::monostate, std::string, Answer> typed(const Session& session,
                                                        const tool::Connection& connection,
                                                        const std::string& effect,
                                                        const std::string& question) {
  if (session.yes || !session.signing.propose.empty()) {
    return {};
  }
  const std::string where =
      effect + " (" + connection.client.bootstrap_servers + ", topics " + connection.prefix + "*)";
  if (session.no_input || isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1) {
    return failed(tool::Exit::usage, "confirmation_needed", where + ": that needs a confirmation",
                  "without a terminal, confirm it with --yes");
  }
  std::fprintf(stderr, "%s\n%s ", where.c_str(), question.c_str());
  std::string answer;
  std::getline(std::cin, answer);
  return answer;
}

Answer declined() {
  return failed(tool::Exit::refused, "declined", "not confirmed: nothing was changed");
}

}  // namespace

std::optional<Answer> ask(const Session& session, const tool::Connection& connection,
                          const std::string& effect) {
  const auto said = typed(session, connection, effect, "Go on? [y/N]");
  if (const auto* stop = std::get_if<Answer>(&said)) {
    return *stop;
  }
  const auto* answer = std::get_if<std::string>(&said);
  if (answer == nullptr || *answer == "y" || *answer == "Y" || *answer == "yes") {
    return std::nullopt;
  }
  return declined();
}

std::optional<Answer> ask_typed(const Session& session, const tool::Connection& connection,
                                const std::string& effect, const std::string& words) {
  const auto said = typed(session, connection, effect, "Type \"" + words + "\" to go on:");
  if (const auto* stop = std::get_if<Answer>(&said)) {
    return *stop;
  }
  const auto* answer = std::get_if<std::string>(&said);
  return answer == nullptr || *answer == words ? std::nullopt : std::optional(declined());
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
