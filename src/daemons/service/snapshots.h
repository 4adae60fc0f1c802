// Snapshots: takes them of the tasks that run here, at an operator's word and every so often, and
// keeps the newest of each task. docs/store.md has what one is.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "config/daemon_config.h"
#include "kafka/runner.h"
#include "stream/snapshot.h"
#include "telemetry/telemetry.h"

namespace kpay::daemons {

/// What is kept of one task.
struct KeptSnapshots {
  std::string stage;
  std::int32_t partition = 0;
  std::size_t count = 0;
  stream::SnapshotManifest oldest;
  stream::SnapshotManifest newest;
};

/// Threads: all methods from any.
class Snapshots {
 public:
  /// `runner` and `telemetry` outlive it.
  Snapshots(const config::DaemonConfig& config, std::string build, kafka::Runner& runner,
            telemetry::Telemetry& telemetry);
  ~Snapshots();
  Snapshots(const Snapshots&) = delete;
  Snapshots& operator=(const Snapshots&) = delete;

  /// Begins to take one of each task every `snapshots.every`. REQUIRES: the runner runs.
  void start();
  /// Takes one of every task that runs here, now, in `folder`; empty: where they are kept.
  /// Errors: conflict (nothing runs), invalid (no such folder), io, and those of copying.
  Result<std::vector<stream::Snapshot>> take(const std::string& folder);
  /// Has the task, which runs here, tell again what follows from the newest kept snapshot at or
  /// before that input position, up to where it stands, and go on (R26). Gives that snapshot.
  /// Errors: not_found (no such snapshot), conflict (the task doesn't run here, or nothing
  /// follows), corrupt, io.
  Result<stream::Snapshot> re_emit(const std::string& stage, std::int32_t partition,
                                   std::int64_t from);
  /// What is kept of each task, of those that moved on, too.
  [[nodiscard]] std::vector<KeptSnapshots> kept();
  [[nodiscard]] const std::string& folder() const noexcept { return config_.directory; }

 private:
  void run();
  void take_due();
  Result<stream::Snapshot> take_one(const kafka::SnapshotTask& task, const std::string& folder);
  void prune(const std::vector<kafka::SnapshotTask>& running);
  void read_kept();

  config::SnapshotsConfig config_;
  std::string instance_;
  std::string build_;
  kafka::Runner* runner_;
  telemetry::Telemetry* telemetry_;
  std::int64_t started_ms_;  ///< wall clock
  std::mutex taking_mutex_;  // one at a time
  std::mutex mutex_;
  std::condition_variable condition_;
  bool stopping_ = false;
  std::vector<stream::Snapshot> kept_;             // under mutex_
  std::map<std::string, std::int64_t> failed_ms_;  // of the thread: a task's last failure
  std::thread thread_;
};

}  // namespace kpay::daemons
