// SwitchPlan: which tasks have still to come to a switch record, and by which way each gets its own
// (R21). Decided from the changelogs alone.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "daemons/ctl/changelog_tails.h"

namespace kpay::ctl {

struct SwitchPlan {
  /// A record to send: for whom, and on which partition of payments.incoming. In the order to send
  /// them: from the end of the pipe to its beginning, since an intake task that stands at its own
  /// switch record hands nothing on any more.
  struct Step {
    stream::SenderId task;
    std::int32_t via = 0;
  };
  std::vector<Step> steps;
  /// Nobody can hand a record on to these any more: what they get is on its way.
  std::vector<stream::SenderId> waiting;

  [[nodiscard]] bool done() const noexcept { return steps.empty() && waiting.empty(); }
};

/// The logic of the release that this kpayctl is of, unless another one's `rules` are spelt out, as
/// 32 hexadecimal digits. Errors: invalid.
[[nodiscard]] Result<stream::Logic> asked_logic(std::uint32_t version, const std::string& rules);

/// Errors: conflict, naming the first task that isn't of the version before `to`, or that refuses
/// every intake task that could hand a record on to it.
[[nodiscard]] Result<SwitchPlan> plan_switch(const std::vector<TaskTail>& tasks,
                                             const stream::Logic& to);

}  // namespace kpay::ctl
