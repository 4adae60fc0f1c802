// Status: what an instance says of itself, as JSON for /status and control.status, and as metrics.
#pragma once

#include <string>
#include <vector>

#include "daemons/service/drain.h"
#include "daemons/service/snapshots.h"
#include "kafka/runner.h"

namespace kpay::daemons {

struct InstanceStatus {
  std::string instance;
  std::string daemon;
  std::string build;
  std::string config_hash;
  std::string address;
  std::string phase;  ///< starting, running, draining, drained, stopped
  std::string state;  ///< what it waits for, in words
  bool paused = false;
  Timestamp at;
  std::vector<kafka::RunnerTask> tasks;
  std::vector<stream::TaskStatus> standbys;
  std::vector<DrainRecord> drained;
  std::vector<KeptSnapshots> snapshots;
};

/// Snapshots as the admin socket answers with them.
[[nodiscard]] std::string snapshots_json(const std::vector<stream::Snapshot>& snapshots);

/// The value of control.status; docs/control.md has the fields.
[[nodiscard]] std::string status_json(const InstanceStatus& status);
/// The value of metadata: who serves which partitions where.
[[nodiscard]] std::string metadata_json(const InstanceStatus& status);
/// For `systemctl status`: "running: 12 tasks, 1 held, 34 records behind".
[[nodiscard]] std::string status_line(const InstanceStatus& status);
/// How far behind a task is: wall clock less the event time that it has reached, while there are
/// records that it has not processed. 0 without any.
[[nodiscard]] double lag_seconds(const kafka::RunnerTask& task, Timestamp wall_clock);
/// A row's fields as a JSON object.
[[nodiscard]] std::string fields_json(const stream::Fields& fields);

}  // namespace kpay::daemons
