#include "daemons/ctl/send_command.h"

#include <CLI/CLI.hpp>

#include "daemons/ctl/interrupt.h"
#include "daemons/tool/command_sender.h"

namespace kpay::ctl {

namespace {

Answer sent_answer(http::JsonObject about, const std::string& id) {
  about.add("status", "sent").add("changed", true);
  return {about.finish(), id + "\n", "sent; --wait waits for the outcome\n"};
}

Answer dry_answer(http::JsonObject about) {
  about.add("status", "not_sent").add("changed", true).add("dry_run", true);
  return {about.finish(), "would be sent\n", "whether it would be refused shows when it is sent\n"};
}

// Opened BEFORE the command is sent; of an id that was typed, the outcome may be there already.
Result<std::unique_ptr<OutcomeWatch>> watch_for(tool::Reached& reached, const SendFlags& flags,
                                                const Uuid& id) {
  if (!flags.wait) {
    return std::unique_ptr<OutcomeWatch>();
  }
  return OutcomeWatch::open(
      reached, {id}, flags.id.empty() ? OutcomeWatch::From::now : OutcomeWatch::From::beginning);
}

}  // namespace

void add_wait_options(CLI::App& command, SendFlags& flags) {
  command.add_flag("--wait", flags.wait, "Wait for the outcome; exit 4 if it is a refusal");
  command.add_option("--timeout", flags.timeout_s, "Seconds to wait; then exit 9 [60]")
      ->check(CLI::Range(1, 86'400));
}

void add_send_options(CLI::App& command, SendFlags& flags) {
  command.add_option("--id", flags.id, "Its id (UUID version 7), to repeat one that was sent");
  add_wait_options(command, flags);
}

Answer outcome_answer(http::JsonObject about, const std::string& id, const std::string& status,
                      const std::string& refusal) {
  about.add("status", status).add("changed", refusal.empty());
  if (!refusal.empty()) {
    about.add("refusal", refusal);
  }
  Answer answer{about.finish(), id + " " + status + (refusal.empty() ? "" : " " + refusal) + "\n"};
  answer.exit = refusal.empty() ? tool::Exit::ok : tool::Exit::refused;
  return answer;
}

Result<Answer> send_command(const Session& session, const SendFlags& flags,
                            const core::Command& command, http::JsonObject about,
                            const OutcomeTeller& teller) {
  const Uuid id = core::id_of(command);
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  if (session.dry_run) {
    return dry_answer(std::move(about));
  }
  Result<std::unique_ptr<OutcomeWatch>> watch = watch_for(*reached, flags, id);
  if (!watch) {
    return Unexpected(watch.error());
  }
  Result<std::unique_ptr<tool::CommandSender>> sender = tool::CommandSender::connect(*reached, 0);
  if (!sender) {
    return Unexpected(sender.error());
  }
  when_interrupted("what was sent stands: repeat the command with --id " + to_string(id) +
                   ", it has one effect");
  Result<void> sent = (*sender)->send(command);
  sent = sent ? (*sender)->flush() : sent;
  if (!sent) {
    return Unexpected(sent.error());
  }
  if (!*watch) {
    return sent_answer(std::move(about), to_string(id));
  }
  Result<bool> ended = (*watch)->wait(flags.timeout_s * 1000);
  if (!ended) {
    return Unexpected(ended.error());
  }
  if (!*ended) {
    return failed(tool::Exit::timed_out, "timed_out",
                  "no outcome within " + std::to_string(flags.timeout_s) + " s",
                  "what was sent stands: repeat the command with --id " + to_string(id) +
                      " and --wait to get its answer");
  }
  return teller((*watch)->outcomes().begin()->second);
}

}  // namespace kpay::ctl
