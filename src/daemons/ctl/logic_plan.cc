#include "daemons/ctl/logic_plan.h"

#include <algorithm>

#include "daemons/ctl/letters.h"
#include "daemons/ctl/senders.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

Result<void> check_next(const TaskTail& tail, const stream::Logic& to) {
  if (tail.logic().version + 1 == to.version) {
    return {};
  }
  const std::string here =
      task_text(tail.task) + " is of logic version " + std::to_string(tail.logic().version);
  if (tail.logic().version == to.version) {
    return Unexpected(ErrorCode::conflict, here + " with the rules " +
                                               to_string(tail.logic().rules_hash) +
                                               ", asked for are " + to_string(to.rules_hash));
  }
  return Unexpected(ErrorCode::conflict, here + ": from there only version " +
                                             std::to_string(tail.logic().version + 1) +
                                             " is next, not " + std::to_string(to.version));
}

// Its own partition first, then the others in turn: one that still runs, and is listened to.
std::optional<std::int32_t> way_to(const TaskTail& tail, const std::vector<std::int32_t>& open) {
  const auto begin = std::find_if(open.begin(), open.end(),
                                  [&](std::int32_t via) { return via >= tail.task.partition; });
  std::vector<std::int32_t> turn(begin, open.end());
  turn.insert(turn.end(), open.begin(), begin);
  const auto found = std::find_if(turn.begin(), turn.end(), [&](std::int32_t via) {
    return !tail.refuses({stages::kIntake, via});
  });
  return found == turn.end() ? std::nullopt : std::optional(*found);
}

}  // namespace

Result<stream::Logic> asked_logic(std::uint32_t version, const std::string& rules) {
  const stream::Logic own = stages::logic_of_build();
  if (rules.empty()) {
    return version == own.version
               ? Result<stream::Logic>(own)
               : Unexpected(ErrorCode::invalid,
                            "this kpayctl is of logic version " + std::to_string(own.version) +
                                ": use that of the release that has version " +
                                std::to_string(version) + ", or give its --rules");
  }
  const std::optional<Hash128> hash = parse_hash(rules);
  return hash ? Result<stream::Logic>(stream::Logic{version, *hash})
              : Unexpected(ErrorCode::invalid, "--rules takes 32 hexadecimal digits");
}

Result<SwitchPlan> plan_switch(const std::vector<TaskTail>& tasks, const stream::Logic& to) {
  SwitchPlan plan;
  std::vector<std::int32_t> open;  // partitions whose intake task hasn't come to its record
  for (const TaskTail& tail : tasks) {
    if (tail.logic() == to) {
      continue;
    }
    if (Result<void> next = check_next(tail, to); !next) {
      return Unexpected(next.error());
    }
    if (tail.task.stage == stages::kIntake) {
      open.push_back(tail.task.partition);
    }
  }
  for (const TaskTail& tail : tasks) {
    if (tail.logic() == to) {
      continue;
    }
    if (tail.task.stage == stages::kIntake) {
      plan.steps.push_back({tail.task, tail.task.partition});
    } else if (open.empty()) {
      plan.waiting.push_back(tail.task);
    } else if (const std::optional<std::int32_t> via = way_to(tail, open)) {
      plan.steps.push_back({tail.task, *via});
    } else {
      return Unexpected(ErrorCode::conflict,
                        task_text(tail.task) + " refuses every intake task that still runs, so " +
                            "nobody can hand a record on to it: `kpayctl tasks accept` first");
    }
  }
  std::stable_sort(plan.steps.begin(), plan.steps.end(),
                   [](const auto& a, const auto& b) { return a.task.stage > b.task.stage; });
  return plan;
}

}  // namespace kpay::ctl
