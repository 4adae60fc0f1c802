// duration_ms: lengths of time as people type them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"

namespace kpay::tool {

/// "60s", "500ms", "2m", "1h", "7d", or seconds without a unit, to milliseconds; a year at most.
[[nodiscard]] Result<std::int64_t> duration_ms(std::string_view text);

}  // namespace kpay::tool
