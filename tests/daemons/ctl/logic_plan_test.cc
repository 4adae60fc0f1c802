// R21: which switch records are sent, by which way, and in which order.
#include "daemons/ctl/logic_plan.h"

#include <gmock/gmock.h>

#include "stages/specs.h"

namespace kpay::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr stream::Logic kNow{1, {}};
constexpr stream::Logic kNext{2, {2, 2}};

// A task whose last marker says that, and refuses those senders.
TaskTail tail(std::uint16_t stage, std::int32_t partition, stream::Logic logic = kNow,
              const std::vector<stream::SenderId>& refused = {}) {
  TaskTail task{{stage, partition}};
  stream::OpenMarker open;
  open.kind = stream::OpenMarker::Kind::genesis;
  open.logic = kNow;
  (void)task.reader.feed(0, encode(open));
  open.kind = stream::OpenMarker::Kind::takeover;
  (void)task.reader.feed(1, encode(open));
  stream::Marker marker;
  marker.epoch = 1;
  marker.number = 1;
  marker.logic = logic;
  marker.clean = logic != kNow;
  for (const stream::SenderId& sender : refused) {
    marker.registers.senders[sender].refused = true;
  }
  EXPECT_EQ(task.reader.feed(2, encode(marker)), stream::Verdict::checkpoint);
  return task;
}

std::vector<std::string> steps_of(const SwitchPlan& plan) {
  std::vector<std::string> steps;
  for (const SwitchPlan::Step& step : plan.steps) {
    steps.push_back(std::to_string(step.task.stage) + "/" + std::to_string(step.task.partition) +
                    " by " + std::to_string(step.via));
  }
  return steps;
}

std::string refusal(const std::vector<TaskTail>& tasks, stream::Logic to) {
  Result<SwitchPlan> plan = plan_switch(tasks, to);
  return plan ? "" : plan.error().message;
}

TEST(R21SwitchPlan, GoesFromTheEndOfThePipeToItsBeginning) {
  std::vector<TaskTail> tasks;
  for (std::uint16_t stage = stages::kIntake; stage <= stages::kThroughput; ++stage) {
    tasks.push_back(tail(stage, 0));
    tasks.push_back(tail(stage, 1));
  }
  EXPECT_THAT(steps_of(*plan_switch(tasks, kNext)),
              ElementsAre("5/0 by 0", "5/1 by 1", "4/0 by 0", "4/1 by 1", "3/0 by 0", "3/1 by 1",
                          "2/0 by 0", "2/1 by 1", "1/0 by 0", "1/1 by 1"));
}

TEST(R21SwitchPlan, ARecordGoesByAnIntakeTaskThatStillRunsAndIsListenedTo) {
  const std::vector<TaskTail> tasks = {tail(1, 0), tail(1, 1, kNext),
                                       tail(1, 2), tail(2, 0, kNow, {{1, 0}}),
                                       tail(2, 1), tail(2, 2)};
  EXPECT_THAT(steps_of(*plan_switch(tasks, kNext)),
              ElementsAre("2/0 by 2", "2/1 by 2", "2/2 by 2", "1/0 by 0", "1/2 by 2"));
}

TEST(R21SwitchPlan, WhoRefusesEveryOneOfThemIsNamed) {
  EXPECT_THAT(refusal({tail(1, 0), tail(1, 1, kNext), tail(2, 0, kNow, {{1, 0}})}, kNext),
              HasSubstr("account/0 refuses every intake task"));
}

TEST(R21SwitchPlan, WhenAllIntakeTasksStandAtTheirsTheOthersAreWaitedFor) {
  const Result<SwitchPlan> plan =
      plan_switch({tail(1, 0, kNext), tail(2, 0), tail(3, 0, kNext)}, kNext);
  EXPECT_TRUE(plan->steps.empty());
  EXPECT_EQ(plan->waiting, (std::vector<stream::SenderId>{{2, 0}}));
  EXPECT_FALSE(plan->done());
}

TEST(R21SwitchPlan, IsDoneWhenEveryTaskIsThere) {
  EXPECT_TRUE(plan_switch({tail(1, 0, kNext), tail(2, 0, kNext)}, kNext)->done());
}

TEST(R21SwitchPlan, OnlyTheNextVersionIsGoneTo) {
  EXPECT_THAT(
      refusal({tail(1, 0), tail(2, 0)}, {3, {}}),
      HasSubstr("intake/0 is of logic version 1: from there only version 2 is next, not 3"));
  EXPECT_THAT(refusal({tail(1, 0, kNext)}, kNow), HasSubstr("only version 3 is next, not 1"));
  EXPECT_THAT(refusal({tail(1, 0, kNext)}, {2, {9, 9}}), HasSubstr("with the rules"));
}

TEST(R21SwitchPlan, ATaskIsSwitchedUntilABuildOfThatLogicHasTakenItOver) {
  TaskTail task = tail(2, 0, kNext);
  EXPECT_TRUE(task.switched());
  stream::OpenMarker open;
  open.logic = kNow;  // the old build once more
  (void)task.reader.feed(3, encode(open));
  EXPECT_TRUE(task.switched());
  open.logic = kNext;
  (void)task.reader.feed(4, encode(open));
  EXPECT_FALSE(task.switched());
  EXPECT_EQ(task.logic(), kNext);
}

}  // namespace
}  // namespace kpay::ctl
