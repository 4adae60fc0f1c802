// DrainBook: the drain records of an instance: how each task that it had was let go.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "kafka/runner.h"

namespace kpay::daemons {

/// How a task was let go. Clean: the marker at `position`, with that hash, says that its owner
/// never runs again (R21); otherwise the next owner repeats what came after that position.
struct DrainRecord {
  std::string stage;
  std::int32_t partition = 0;
  std::int64_t position = 0;  ///< next input offset
  std::uint64_t marker = 0;   ///< number of that marker
  Hash128 state_hash;
  bool clean = false;
  std::string reason{};  ///< why not clean
};

/// Threads: any.
class DrainBook {
 public:
  void released(DrainRecord record);
  /// It is here again: its record is history.
  void restored(const std::string& stage, std::int32_t partition);
  /// A drain is over. `before` are the tasks as they were when it began: those without a record
  /// get one that isn't clean. Returns those of `before`.
  std::vector<DrainRecord> close(const std::vector<kafka::RunnerTask>& before);
  [[nodiscard]] std::vector<DrainRecord> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::int32_t>, DrainRecord> records_;
};

/// What a drain of the instance came to.
struct DrainReport {
  bool clean = false;  ///< of every task
  std::int64_t took_ms = 0;
  std::vector<DrainRecord> records{};
};

[[nodiscard]] std::string drain_records_json(const std::vector<DrainRecord>& records);

}  // namespace kpay::daemons
