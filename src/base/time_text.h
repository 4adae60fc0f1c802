// Times as people write them.
#pragma once

#include <optional>
#include <string_view>

#include "base/time.h"

namespace kpay {

/// "2026-11-22T16:53:55.123Z", also without milliseconds; a date, which is its first moment; or
/// whole milliseconds since 1970. Nothing for anything else, and for what is before 1970.
[[nodiscard]] std::optional<Timestamp> parse_time(std::string_view text) noexcept;

}  // namespace kpay
