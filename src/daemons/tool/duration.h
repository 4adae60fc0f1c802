// Lengths and points of time as people type them.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace kpay::tool {

/// "60s", "500ms", "2m", "1h", "7d", or seconds without a unit, to milliseconds; a year at most.
[[nodiscard]] Result<std::int64_t> duration_ms(std::string_view text);

/// "2026-11-22T16:53:55Z" (also with fractions of a second), or a length of time before `now`.
[[nodiscard]] Result<Timestamp> time_point(std::string_view text, Timestamp now);

}  // namespace kpay::tool
