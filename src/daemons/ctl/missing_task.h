// What keeps one task from running, by what the instances say.
#pragma once

#include <string>
#include <vector>

#include "daemons/ctl/control.h"

namespace kpay::ctl {

/// "account/3 is held (why)"; empty when it runs on a live instance, paused (or not) as wanted.
[[nodiscard]] std::string missing_task(const std::vector<InstanceView>& instances,
                                       const std::string& stage, std::int32_t partition,
                                       bool paused, std::int64_t now_ms);

}  // namespace kpay::ctl
