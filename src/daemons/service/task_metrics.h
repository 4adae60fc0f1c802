// TaskMetrics: the metric families of an instance's tasks, from their status.
#pragma once

#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "kafka/runner.h"
#include "telemetry/metrics.h"

namespace kpay::daemons {

/// Threads: one.
class TaskMetrics {
 public:
  /// Every stage's series start at 0. The registry outlives this.
  TaskMetrics(telemetry::Metrics& metrics, const std::vector<stream::StageSpec>& specs);

  /// Sets the gauges and moves the counters on. Series of partitions that went away leave the page.
  void update(const std::vector<kafka::RunnerTask>& tasks, Timestamp wall_clock);

 private:
  using Place = std::pair<std::string, std::int32_t>;
  /// What a task had counted when it was last seen: it begins at 0 wherever it is restored.
  struct Seen {
    std::uint64_t events = 0;
    std::uint64_t replayed = 0;
    std::uint64_t early = 0;
    std::uint64_t discarded = 0;
    std::uint64_t checkpoints = 0;
  };

  void count(const stream::TaskStatus& status);
  void set_states(const std::vector<kafka::RunnerTask>& tasks);

  telemetry::Metrics& metrics_;
  std::set<std::string> stages_;
  std::map<Place, Seen> seen_;
};

}  // namespace kpay::daemons
