#include "daemons/service/task_metrics.h"

#include <gtest/gtest.h>

namespace kpay::daemons {
namespace {

namespace families = telemetry::families;

class TaskMetricsTest : public ::testing::Test {
 protected:
  static std::vector<stream::StageSpec> specs() {
    stream::StageSpec spec;
    spec.name = "account";
    return {spec};
  }
  static kafka::RunnerTask task(std::int32_t partition, std::uint64_t events) {
    kafka::RunnerTask task;
    task.status.stage = "account";
    task.status.partition = partition;
    task.status.phase = stream::Phase::running;
    task.status.events = events;
    task.status.position = 10;
    task.status.now = {1000};
    task.end = 14;
    return task;
  }
  std::uint64_t applied() {
    return metrics_.counter(families::input_events_total, {"account", "applied"}).value();
  }
  bool shows(const std::string& line) const {
    return metrics_.render().find(line) != std::string::npos;
  }

  telemetry::Metrics metrics_;
  TaskMetrics tasks_{metrics_, specs()};
};

TEST_F(TaskMetricsTest, CountersGoOnWhileATaskMovesAndComesBack) {
  tasks_.update({task(0, 100)}, {});
  tasks_.update({task(0, 150)}, {});
  EXPECT_EQ(applied(), 150U);
  tasks_.update({}, {});
  tasks_.update({task(0, 30)}, {});  // restored: it counts from 0
  EXPECT_EQ(applied(), 180U);
  tasks_.update({task(0, 20)}, {});  // made anew between two looks
  EXPECT_EQ(applied(), 200U);
}

TEST_F(TaskMetricsTest, LagIsInRecordsAndSecondsAndZeroWithoutRecords) {
  kafka::RunnerTask behind = task(0, 0);
  tasks_.update({behind}, {3500});
  EXPECT_TRUE(shows("kpay_consumer_lag_records{stage=\"account\",partition=\"0\"} 4\n"));
  EXPECT_TRUE(shows("kpay_consumer_lag_seconds{stage=\"account\",partition=\"0\"} 2.5\n"));
  behind.status.position = 14;
  tasks_.update({behind}, {9000});
  EXPECT_TRUE(shows("kpay_consumer_lag_seconds{stage=\"account\",partition=\"0\"} 0\n"));
}

TEST_F(TaskMetricsTest, APartitionThatWentAwayLeavesThePageAndMayComeBack) {
  const std::string line = "kpay_consumer_lag_records{stage=\"account\",partition=\"7\"}";
  tasks_.update({task(7, 0)}, {});
  EXPECT_TRUE(shows(line));
  tasks_.update({}, {});
  EXPECT_FALSE(shows(line));
  tasks_.update({task(7, 0)}, {});
  EXPECT_TRUE(shows(line));
}

TEST_F(TaskMetricsTest, TasksAreCountedByState) {
  EXPECT_TRUE(shows("kpay_tasks{stage=\"account\",state=\"held\"} 0\n"));
  kafka::RunnerTask held = task(1, 0);
  held.status.phase = stream::Phase::held;
  kafka::RunnerTask failed = task(2, 0);
  failed.status.phase = stream::Phase::failed;
  tasks_.update({task(0, 0), held, failed}, {});
  EXPECT_TRUE(shows("kpay_tasks{stage=\"account\",state=\"running\"} 1\n"));
  EXPECT_TRUE(shows("kpay_tasks{stage=\"account\",state=\"held\"} 1\n"));
  EXPECT_TRUE(shows("kpay_tasks{stage=\"account\",state=\"restoring\"} 1\n"));
}

}  // namespace
}  // namespace kpay::daemons
