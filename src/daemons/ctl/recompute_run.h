// RecomputeRun: runs the tasks of a plan again over what the topics hold, and compares.
//
// The topics that tasks write are read once, and what stands there is noted (recompute::Trails).
// Then task after task reads its input and its changelog side by side: up to a marker, checkpoint,
// compare. So memory is that of one task's state, whatever the topics' size.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/sum.h"
#include "daemons/ctl/recompute_plan.h"
#include "recompute/comparison.h"

namespace kpay::ctl {

/// What running one task again came to.
struct TaskFindings {
  std::size_t plan = 0;  ///< its place in RecomputePlan::tasks
  std::vector<recompute::Difference> first;
  std::map<std::pair<recompute::DifferenceKind, std::uint16_t>, std::uint64_t> counts;
  std::uint64_t records = 0;
  std::uint64_t events = 0;
  std::uint64_t markers = 0;
  /// With `every`: rows that differ in the end, by table; the first of them in words.
  std::map<std::string, std::uint64_t> rows;
  std::vector<std::string> first_rows;
  /// Of an account task: what its accounts have now.
  std::map<std::string, core::Sum> balances;
  std::uint64_t accounts = 0;

  [[nodiscard]] bool equal() const noexcept { return counts.empty() && rows.empty(); }
};

struct Recomputation {
  std::vector<TaskFindings> tasks;
  std::vector<std::string> notes;  ///< what can't be heard as its receivers hear it: differences

  [[nodiscard]] bool equal() const noexcept;
};

/// With `every`, all differences are counted, and states are compared at the end; else each task
/// is compared up to its first difference.
[[nodiscard]] Result<Recomputation> recompute_tasks(
    const tool::Reached& reached, const RecomputePlan& plan, bool every,
    const std::function<void(const std::string& doing)>& progress);

}  // namespace kpay::ctl
