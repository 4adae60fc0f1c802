// Status: what an instance says of itself, as JSON for /status and control.status, and as metrics.
#pragma once

#include <string>
#include <vector>

#include "kafka/runner.h"
#include "telemetry/telemetry.h"

namespace kpay::daemons {

/// A task that was released with a clean marker: the proof of its drain.
struct DrainRecord {
  std::string stage;
  std::int32_t partition = 0;
  std::int64_t position = 0;  ///< next input offset
  std::uint64_t marker = 0;   ///< number of the clean marker
  Hash128 state_hash;
};

struct InstanceStatus {
  std::string instance;
  std::string daemon;
  std::string build;
  std::string config_hash;
  std::string address;
  std::string phase;  ///< starting, running, draining, stopped
  std::string state;  ///< what it waits for, in words
  bool paused = false;
  Timestamp at;
  std::vector<kafka::RunnerTask> tasks;
  std::vector<DrainRecord> drained;
};

/// The value of control.status; docs/control.md has the fields.
[[nodiscard]] std::string status_json(const InstanceStatus& status);
/// The value of metadata: who serves which partitions where.
[[nodiscard]] std::string metadata_json(const InstanceStatus& status);
void update_metrics(telemetry::Metrics& metrics, const std::vector<kafka::RunnerTask>& tasks);
/// A row's fields as a JSON object.
[[nodiscard]] std::string fields_json(const stream::Fields& fields);

}  // namespace kpay::daemons
