#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/control.h"
#include "daemons/ctl/letters.h"
#include "daemons/ctl/logic_plan.h"
#include "daemons/ctl/missing_task.h"
#include "daemons/ctl/operator_channel.h"
#include "daemons/ctl/senders.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;
using stream::OperatorVerdict;

constexpr int kFollowMs = 200;
// A task that moves, or an instance that has only just come, is there within this.
constexpr std::int64_t kSettleMs = 15'000;

struct LogicFlags {
  std::uint32_t to = 0;
  std::string rules;
  std::string reason;
  int timeout_s = 60;
};

std::string text_of(const stream::Logic& logic) {
  return "version " + std::to_string(logic.version) + " (" + to_string(logic.rules_hash) + ")";
}

Json json_of(const TaskTail& tail) {
  return {{"task", task_text(tail.task)},
          {"logic_version", tail.logic().version},
          {"rules_hash", to_string(tail.logic().rules_hash)},
          {"switched", tail.switched()},
          {"position", tail.marker().registers.position},
          {"marker", tail.marker().number},
          {"hash", to_string(tail.marker().state_hash)},
          {"clean", tail.marker().clean},
          {"owner", tail.reader.open().owner},
          {"build", tail.reader.open().build}};
}

std::string table_of(const std::vector<TaskTail>& tasks) {
  TextTable table({"TASK", "LOGIC", "POSITION", "MARKER", "STATE HASH", "LAST OWNER"});
  for (const TaskTail& tail : tasks) {
    table.add({task_text(tail.task),
               std::to_string(tail.logic().version) + (tail.switched() ? ", waits for it" : ""),
               std::to_string(tail.marker().registers.position),
               std::to_string(tail.marker().number), to_string(tail.marker().state_hash),
               tail.reader.open().owner});
  }
  return table.text();
}

Json tasks_json(const std::vector<TaskTail>& tasks) {
  Json list = Json::array();
  for (const TaskTail& tail : tasks) {
    list.push_back(json_of(tail));
  }
  return list;
}

Result<Answer> show(const Session& session) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::unique_ptr<ChangelogTails>> tails = ChangelogTails::open(*reached);
  if (!tails) {
    return Unexpected(tails.error());
  }
  const stream::Logic own = stages::logic_of_build();
  Answer answer{
      Json{{"this_build", {{"version", own.version}, {"rules_hash", to_string(own.rules_hash)}}},
           {"tasks", tasks_json((*tails)->tasks())}}
          .dump(),
      table_of((*tails)->tasks()), "this kpayctl is of logic " + text_of(own) + "\n"};
  for (const TaskTail& tail : (*tails)->tasks()) {
    answer.lines.push_back(json_of(tail).dump());
  }
  return answer;
}

// The first that doesn't run; empty if all of them do.
Result<std::string> standing(tool::Reached& reached, const SwitchPlan& plan) {
  Result<std::vector<InstanceView>> instances = read_instances(reached);
  if (!instances) {
    return Unexpected(instances.error());
  }
  const std::vector<stream::StageSpec> specs = stages::all_specs();
  for (const SwitchPlan::Step& step : plan.steps) {
    const std::string& stage = specs[step.task.stage - 1U].name;
    std::string missing =
        missing_task(*instances, stage, step.task.partition, false, wall_clock_now().ms);
    if (!missing.empty()) {
      return missing;
    }
  }
  return std::string();
}

// A record is of no use while who has to read it, or to hand it on, stands still.
Result<void> check_running(tool::Reached& reached, const SwitchPlan& plan) {
  const std::int64_t deadline_ms = monotonic_ms() + kSettleMs;
  for (;;) {
    Result<std::string> missing = standing(reached, plan);
    if (!missing) {
      return Unexpected(missing.error());
    }
    if (missing->empty()) {
      return {};
    }
    if (monotonic_ms() >= deadline_ms) {
      return Unexpected(ErrorCode::conflict,
                        *missing + ": every task has to run to come to its switch record");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(kFollowMs));
  }
}

Json planned_json(const SwitchPlan& plan, const stream::Logic& to) {
  Json json{{"to", {{"version", to.version}, {"rules_hash", to_string(to.rules_hash)}}},
            {"records", Json::array()}};
  for (const SwitchPlan::Step& step : plan.steps) {
    json["records"].push_back({{"task", task_text(step.task)}, {"via", step.via}});
  }
  return json;
}

std::size_t count_of(const std::vector<TaskTail>& tasks, const stream::Logic& to) {
  return static_cast<std::size_t>(std::count_if(
      tasks.begin(), tasks.end(), [&](const TaskTail& tail) { return tail.logic() == to; }));
}

// Every task has its clean marker: what each build says last is in the log, and with it the switch
// record of every task behind it.
Result<Answer> wait_for_markers(ChangelogTails& tails, const stream::Logic& to, bool changed,
                                std::int64_t deadline_ms) {
  while (count_of(tails.tasks(), to) < tails.tasks().size()) {
    if (monotonic_ms() >= deadline_ms) {
      const auto left = std::find_if(tails.tasks().begin(), tails.tasks().end(),
                                     [&](const TaskTail& tail) { return tail.logic() != to; });
      return failed(tool::Exit::timed_out, "timed_out",
                    task_text(left->task) + " has not come to its switch record yet: " +
                        std::to_string(count_of(tails.tasks(), to)) + " of " +
                        std::to_string(tails.tasks().size()) + " tasks have",
                    "what was sent stands; run it again, and `finish` of the build before where "
                    "a task doesn't run");
    }
    if (Result<void> followed = tails.follow(kFollowMs); !followed) {
      return Unexpected(followed.error());
    }
  }
  return Answer{Json{{"changed", changed},
                     {"to", {{"version", to.version}, {"rules_hash", to_string(to.rules_hash)}}},
                     {"tasks", tasks_json(tails.tasks())}}
                    .dump(),
                table_of(tails.tasks()),
                changed ? "every task stands at its switch record: stop the old daemons, and "
                          "start those of logic version " +
                              std::to_string(to.version) + "\n"
                        : "it was so already\n"};
}

// Sends what the plan has; nothing when every record was taken, else the answer that ends it.
Result<std::optional<Answer>> send(const Session& session, const tool::Reached& reached,
                                   const SwitchPlan& plan, const stream::Logic& to,
                                   const LogicFlags& flags) {
  Result<std::unique_ptr<OperatorChannel>> channel =
      OperatorChannel::open(reached, {operator_name(), session.signing});
  if (!channel) {
    return Unexpected(channel.error());
  }
  std::vector<std::pair<stream::OperatorRecord, std::int32_t>> records;
  for (const SwitchPlan::Step& step : plan.steps) {
    records.emplace_back(
        (*channel)->record_for(step.task.stage, step.task.partition, new_uuid_v7(), flags.reason),
        step.via);
    records.back().first.what = stream::SwitchLogic{to};
  }
  Result<Answer> said = (*channel)->carry_out(
      "switch to logic version " + std::to_string(to.version), records, flags.timeout_s * 1000);
  if (!said) {
    return Unexpected(said.error());
  }
  const auto& answers = (*channel)->answers();
  const bool taken = answers.size() == records.size() &&
                     std::all_of(answers.begin(), answers.end(), [](const auto& each) {
                       return each.second.verdict == OperatorVerdict::done ||
                              each.second.verdict == OperatorVerdict::already_switched;
                     });
  return taken ? std::optional<Answer>() : std::optional(std::move(*said));
}

Result<Answer> change(const Session& session, const LogicFlags& flags) {
  Result<stream::Logic> to = asked_logic(flags.to, flags.rules);
  if (!to) {
    return Unexpected(to.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::unique_ptr<ChangelogTails>> tails = ChangelogTails::open(*reached);
  if (!tails) {
    return Unexpected(tails.error());
  }
  Result<SwitchPlan> plan = plan_switch((*tails)->tasks(), *to);
  if (!plan) {
    return Unexpected(plan.error());
  }
  if (Result<void> running = check_running(*reached, *plan); !running) {
    return Unexpected(running.error());
  }
  const std::string effect = "switch " + std::to_string(plan->steps.size()) + " tasks to logic " +
                             text_of(*to) +
                             ": each stops at its switch record, and payments wait until "
                             "daemons of that version run";
  if (session.dry_run) {
    Json json = planned_json(*plan, *to);
    json["dry_run"] = true;
    json["changed"] = !plan->done();
    return Answer{json.dump(), plan->done() ? "it is so already\n" : effect + "\n"};
  }
  const std::int64_t deadline_ms = monotonic_ms() + 1000LL * flags.timeout_s;
  if (!plan->steps.empty()) {
    if (std::optional<Answer> stop = ask(session, reached->connection, effect)) {
      return *stop;
    }
    Result<std::optional<Answer>> ended = send(session, *reached, *plan, *to, flags);
    if (!ended) {
      return Unexpected(ended.error());
    }
    if (*ended) {
      return **ended;
    }
  }
  return wait_for_markers(**tails, *to, !plan->done(), deadline_ms);
}

}  // namespace

void add_logic(CLI::App& app, Session& session) {
  CLI::App* logic = app.add_subcommand("logic", "Which version of the rules decides, and the next");
  logic->require_subcommand(1);
  const auto flags = std::make_shared<LogicFlags>();
  CLI::App* all = logic->add_subcommand("show", "What goes on from each task's state");
  add_jsonl(*all, session);
  all->callback([&session] { session.chosen = [&session] { return show(session); }; });
  CLI::App* next = logic->add_subcommand(
      "switch", "Lead every task to a switch record, where the next version goes on (R21)");
  next->add_option("--to", flags->to, "The logic version to go to: the one after what decides now")
      ->required()
      ->check(CLI::Range(1U, 1'000'000'000U));
  next->add_option("--rules", flags->rules, "Its rules' hash; of another release than this tool's");
  next->add_option("--reason", flags->reason, "Why; everybody can read it")->required();
  next->add_option("--timeout", flags->timeout_s, "Seconds to wait for the tasks [60]")
      ->check(CLI::Range(1, 86'400));
  add_danger_options(*next, session);
  add_signing_options(*next, session);
  next->callback([&session, flags] {
    session.chosen = [&session, flags] { return change(session, *flags); };
  });
}

}  // namespace kpay::ctl
