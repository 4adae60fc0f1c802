// kpayctl tasks override: what two people decide of one record of a task's input (R23).
#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/logic_plan.h"
#include "daemons/ctl/operator_channel.h"
#include "daemons/ctl/senders.h"
#include "daemons/tool/duration.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::int32_t kAnyPartition = -1;

struct OverrideFlags {
  std::string task;
  std::int64_t at = -1;
  bool skip = false;
  std::string time;
  std::uint32_t switch_to = 0;
  std::string rules;
  std::int32_t via = kAnyPartition;
  std::string reason;
  int timeout_s = 60;
};

Result<stream::OverrideInput> wanted(const OverrideFlags& flags) {
  if (flags.skip) {
    return stream::OverrideInput{flags.at, stream::OverrideAction::skip, {}};
  }
  if (flags.switch_to != 0) {
    const Result<stream::Logic> to = asked_logic(flags.switch_to, flags.rules);
    if (!to) {
      return Unexpected(to.error());
    }
    return stream::OverrideInput{flags.at, stream::OverrideAction::switch_logic, {}, *to};
  }
  const Result<Timestamp> time = tool::time_point(flags.time, wall_clock_now());
  if (!time) {
    return Unexpected(ErrorCode::invalid, "--time: " + time.error().message);
  }
  return stream::OverrideInput{flags.at, stream::OverrideAction::set_time, *time};
}

std::string effect_of(const std::string& task, const stream::OverrideInput& override) {
  std::string text = task;
  switch (override.action) {
    case stream::OverrideAction::skip: text += " makes dead letters of"; break;
    case stream::OverrideAction::set_time:
      text += " takes " + to_rfc3339(override.time) + " for the time of";
      break;
    case stream::OverrideAction::switch_logic:
      text += " ends, for logic version " + std::to_string(override.to.version) + ", before";
      break;
  }
  return text + " the record at input offset " + std::to_string(override.offset) +
         ", unless something beyond it was told already";
}

// An intake task that stands before the record itself can't read what is sent to it.
Result<std::int32_t> way_in(const OverrideFlags& flags, const stream::SenderId& task,
                            std::int32_t partitions) {
  if (flags.via >= partitions) {
    return Unexpected(ErrorCode::invalid,
                      "--via: there are " + std::to_string(partitions) + " partitions, from 0");
  }
  if (flags.via != kAnyPartition || task.stage != stages::kIntake) {
    return flags.via != kAnyPartition ? flags.via : task.partition;
  }
  if (partitions == 1) {
    return Unexpected(ErrorCode::conflict,
                      "the only intake task is the one that stands before the record: no other "
                      "could say that this was signed");
  }
  return (task.partition + 1) % partitions;
}

Result<Answer> override_input(const Session& session, const OverrideFlags& flags) {
  Result<stream::SenderId> task = task_in(flags.task);
  if (!task) {
    return Unexpected(task.error());
  }
  Result<stream::OverrideInput> override = wanted(flags);
  if (!override) {
    return Unexpected(override.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::int32_t> via = way_in(flags, *task, reached->partitions);
  if (!via) {
    return Unexpected(via.error());
  }
  const std::string what = effect_of(flags.task, *override);
  if (session.dry_run) {
    return Answer{Json{{"task", flags.task},
                       {"at", flags.at},
                       {"action", to_string(override->action)},
                       {"via", *via},
                       {"dry_run", true},
                       {"changed", true}}
                      .dump(),
                  what + "\n"};
  }
  if (std::optional<Answer> stop = ask(session, reached->connection, what)) {
    return *stop;
  }
  Result<std::unique_ptr<OperatorChannel>> channel =
      OperatorChannel::open(*reached, {operator_name(), session.signing});
  if (!channel) {
    return Unexpected(channel.error());
  }
  stream::OperatorRecord record =
      (*channel)->record_for(task->stage, task->partition, new_uuid_v7(), flags.reason);
  record.what = *override;
  Result<Answer> answer =
      (*channel)->carry_out(what, {{std::move(record), *via}}, flags.timeout_s * 1000);
  if (answer && answer->exit == tool::Exit::ok && session.signing.propose.empty()) {
    answer->note += "the task's owner is told; `kpayctl tasks show " + flags.task +
                    "` says what it made of it\n";
  }
  return answer;
}

}  // namespace

void add_task_override(CLI::App& tasks, Session& session) {
  const auto flags = std::make_shared<OverrideFlags>();
  CLI::App* command = tasks.add_subcommand(
      "override", "Decide of one input record that the logic can't be left alone with (R23)");
  command->add_option("TASK", flags->task, "Whose input, as account/3")->required();
  command->add_option("--at", flags->at, "The record's offset in the task's input")
      ->required()
      ->check(CLI::NonNegativeNumber);
  CLI::Option* skip =
      command->add_flag("--skip", flags->skip, "Make a dead letter of each of its events");
  CLI::Option* time = command->add_option(
      "--time", flags->time, "Take this for the time of its events, as 2026-11-22T16:53:55Z");
  CLI::Option* next =
      command->add_option("--switch-to", flags->switch_to,
                          "Let the next logic version take it: the old build ends there");
  command
      ->add_option("--rules", flags->rules, "The hash of that version's rules, if not this tool's")
      ->needs(next);
  skip->excludes(time)->excludes(next);
  time->excludes(next);
  command->add_option("--via", flags->via, "The partition of payments.incoming to send it on")
      ->check(CLI::NonNegativeNumber);
  command->add_option("--reason", flags->reason, "Why; everybody can read it")->required();
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait for the answer [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(*command, session);
  add_signing_options(*command, session);
  command->callback([&session, flags] {
    if (!flags->skip && flags->time.empty() && flags->switch_to == 0) {
      throw CLI::ValidationError("tasks override", "say what to do: --skip, --time or --switch-to");
    }
    session.chosen = [&session, flags] { return override_input(session, *flags); };
  });
}

}  // namespace kpay::ctl
