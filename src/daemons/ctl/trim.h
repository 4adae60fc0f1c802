// Trim: which records of the stages' inputs no reader needs any more, and deleting them (R20).
//
// A stage needs its input from the position of its last accepted marker on. That position is read
// from its changelog, by the rule by which everybody reads changelogs; what a group committed or a
// file says proves nothing. A snapshot is of use while its input is there, from its position on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "daemons/ctl/kept_snapshots.h"
#include "daemons/tool/connection.h"

namespace kpay::ctl {

/// A stage that reads the partition, and the next offset that it needs; none while its changelog
/// has no accepted marker, or none that proves a whole state. Or a snapshot that is kept of one, or
/// a journal.
struct InputReader {
  std::string name;
  std::optional<std::int64_t> position;
};

/// One partition of a stage's input.
struct InputTrim {
  std::string topic;  ///< its full name
  std::int32_t partition = 0;
  stream::LogBounds bounds;  ///< as they are
  std::int64_t to = 0;       ///< what lies before it goes; never below bounds.begin
  /// What keeps the rest: a reader's name, "age", or empty when nothing is kept.
  std::string limit;

  [[nodiscard]] std::int64_t records() const noexcept { return to - bounds.begin; }
};

/// Adds what the instances keep of a task's snapshots to the readers of its input (R20).
void add_snapshots(std::vector<InputReader>& readers, const std::vector<ToldSnapshots>& snapshots,
                   const std::string& stage, std::int32_t partition);

/// Sets `to` and `limit`: the least of all readers' positions and of `young`, the first offset that
/// is too young to go (none: all are old enough).
void decide_trim(InputTrim& trim, const std::vector<InputReader>& readers,
                 std::optional<std::int64_t> young);

/// Who is gone for good, so that nothing is kept for them.
struct Forgotten {
  std::vector<std::string> snapshots_of;  ///< instances
  std::vector<std::string> journals;
};

/// What could go of every stage's input, keeping what was appended within `keep_ms`, what the
/// snapshots need that the instances keep, and what the journals have said that they go on from.
/// Reads all changelogs. Errors: invalid, when that is less than the brokers remember producers
/// for; those of reaching the cluster.
[[nodiscard]] Result<std::vector<InputTrim>> plan_trim(const tool::Reached& reached,
                                                       std::int64_t keep_ms,
                                                       const Forgotten& forgotten);

/// Deletes. Done again after an error, it finishes the same work.
[[nodiscard]] Result<void> trim(const tool::Reached& reached, const std::vector<InputTrim>& plan);

}  // namespace kpay::ctl
