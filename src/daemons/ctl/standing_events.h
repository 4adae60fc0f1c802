// StandingEvents: what the tasks of a plan have written, noted in trails, each topic read once.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemons/ctl/recompute_plan.h"
#include "recompute/trails.h"

namespace kpay::ctl {

/// The topic of that output, without the prefix; the one behind the last is ops.dlq.
[[nodiscard]] const std::string& output_topic(const stream::StageSpec& spec, std::size_t output);

/// Of each task what follows from its input between the plan's beginning and end. `notes` gets what
/// can't be heard as its receivers hear it. Errors: those of reading; io, of the trails.
[[nodiscard]] Result<void> gather_events(
    const tool::Reached& reached, const RecomputePlan& plan, recompute::Trails& trails,
    std::vector<std::string>& notes, const std::function<void(const std::string& doing)>& progress);

}  // namespace kpay::ctl
