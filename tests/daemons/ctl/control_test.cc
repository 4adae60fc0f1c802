#include "daemons/ctl/control.h"

#include <gtest/gtest.h>

#include "daemons/ctl/http_tables.h"

namespace kpay::ctl {
namespace {

constexpr std::int64_t kNow = 1'000'000;

InstanceView instance(std::int64_t at_ms, bool paused) {
  InstanceView view;
  view.instance = "inflight-1";
  view.phase = "running";
  view.at_ms = at_ms;
  for (std::int32_t partition = 0; partition < 2; ++partition) {
    TaskView task;
    task.stage = "intake";
    task.partition = partition;
    task.phase = "running";
    task.paused = paused;
    view.tasks.push_back(task);
  }
  return view;
}

TEST(Control, ThePipelinesStateIsReadBack) {
  const std::optional<PipelineState> read =
      parse_pipeline(to_json(PipelineState{true, "a \"reason\"\n", "me", 42}));
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->paused);
  EXPECT_EQ(read->reason, "a \"reason\"\n");
  EXPECT_EQ(read->owner, "me");
  EXPECT_EQ(read->at_ms, 42);
  EXPECT_FALSE(parse_pipeline("7"));
  EXPECT_FALSE(parse_pipeline("{"));
}

TEST(Control, AStatusOfAnotherShapeIsNone) {
  EXPECT_FALSE(parse_status("[]"));
  EXPECT_FALSE(parse_status("{}"));
  const std::optional<InstanceView> view = parse_status(
      R"({"instance":"a","phase":"running","at_ms":5,"paused":"x","tasks":[7,{"stage":"intake",
          "partition":3,"phase":"held","reason":"why","position":9,"end":10,"lag":1}]})");
  ASSERT_TRUE(view);
  EXPECT_FALSE(view->paused);
  ASSERT_EQ(view->tasks.size(), 1U);
  EXPECT_EQ(view->tasks[0].partition, 3);
  EXPECT_EQ(view->tasks[0].lag, 1);
}

TEST(Control, ASilentInstanceIsStaleUnlessItStopped) {
  InstanceView view = instance(kNow - kStaleMs - 1, false);
  EXPECT_TRUE(view.stale(kNow));
  view.phase = "stopped";
  EXPECT_FALSE(view.stale(kNow));
  EXPECT_FALSE(instance(kNow - kStaleMs, false).stale(kNow));
}

TEST(Control, NamesEachTaskThatIsNotAsWanted) {
  EXPECT_EQ(missing_tasks({instance(kNow, true)}, "intake", 2, true, kNow), "");
  EXPECT_EQ(missing_tasks({instance(kNow, false)}, "intake", 1, true, kNow),
            "intake/0 is not paused yet");
  EXPECT_EQ(missing_tasks({instance(kNow, true)}, "intake", 3, true, kNow),
            "intake/2 is not served");
  EXPECT_EQ(missing_tasks({instance(kNow - 60'000, true)}, "intake", 1, true, kNow),
            "intake/0 is not served");
  InstanceView held = instance(kNow, true);
  held.tasks[1].phase = "held";
  held.tasks[1].reason = "header";
  EXPECT_EQ(missing_tasks({held}, "intake", 2, true, kNow), "intake/1 is held (header)");
}

TEST(Control, AnInstanceTellsItsStages) {
  const std::optional<Instance> read =
      parse_instance("a", R"({"address":"127.0.0.1:80","stages":{"account":[0,2]},"at_ms":7})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->address, "127.0.0.1:80");
  EXPECT_EQ(read->stages.at("account"), (std::vector<std::int32_t>{0, 2}));
  EXPECT_FALSE(parse_instance("a", "nothing"));
}

}  // namespace
}  // namespace kpay::ctl
