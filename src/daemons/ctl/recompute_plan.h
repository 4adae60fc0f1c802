// RecomputePlan: which tasks are run again, from where and up to where, by their changelogs.
//
// A task begins with nothing at input offset 0, with the state of one of its accepted markers that
// its changelog still proves, or with that of a snapshot. It ends at its last marker: what that
// covers stands on the topics (R15), so that all of it can be asked for.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "daemons/tool/connection.h"
#include "stream/changelog.h"
#include "stream/snapshot.h"
#include "stream/stage.h"

namespace kpay::ctl {

/// A marker, and where and when it came.
struct PlacedMarker {
  stream::Marker marker;
  std::int64_t offset = 0;
  Timestamp at;
};

struct TaskPlan {
  std::size_t spec = 0;
  std::int32_t partition = 0;
  stream::Identity identity;
  stream::LogBounds changelog;
  stream::LogBounds input;
  std::optional<PlacedMarker> begin;         ///< a checkpoint of the changelog to begin with
  std::optional<stream::Snapshot> snapshot;  ///< or a snapshot; neither: from nothing
  std::optional<PlacedMarker> end;           ///< none: it has not got so far; nothing to run
  std::string rejected;                      ///< a marker that doesn't count, and why

  /// The marker that it begins with; null: from nothing.
  [[nodiscard]] const stream::Marker* begins_with() const noexcept {
    return snapshot ? &snapshot->manifest.marker : begin ? &begin->marker : nullptr;
  }
  [[nodiscard]] std::int64_t from() const noexcept {
    const stream::Marker* marker = begins_with();
    return marker != nullptr ? marker->registers.position : 0;
  }
  [[nodiscard]] std::int64_t to() const noexcept {
    return end ? end->marker.registers.position : from();
  }
};

struct PlanWishes {
  std::optional<Timestamp> since;  ///< begin at each task's last checkpoint before, or the nearest
  std::optional<Timestamp> until;  ///< end at each task's last checkpoint before
  std::string task;                ///< "account/3", or all
  std::vector<stream::Snapshot> snapshots;  ///< more states to begin with
};

struct RecomputePlan {
  std::vector<stream::StageSpec> specs;
  std::vector<TaskPlan> tasks;
  std::map<std::string, std::vector<stream::LogBounds>> bounds;  ///< of outputs, by topic
};

/// Reads all changelogs. Errors: invalid (no such task), not_found (the input's beginning is gone,
/// and no checkpoint that is left begins behind it), corrupt.
[[nodiscard]] Result<RecomputePlan> plan_recomputation(const tool::Reached& reached,
                                                       const PlanWishes& wishes);

/// What plan_recomputation does with one changelog: takes its records, gives where to begin and
/// end.
class BeginningFinder {
 public:
  BeginningFinder(TaskPlan& plan, const PlanWishes& wishes);
  ~BeginningFinder();
  BeginningFinder(BeginningFinder&&) noexcept;
  void take(const stream::LogRecord& record);
  /// After the last record. Errors: not_found, invalid (a snapshot of another system).
  Result<void> finish(const std::string& task);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace kpay::ctl
