// Days and minutes of event time, in UTC, and their text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace kpay::core {

/// Whole days since 1970-01-01, rounded down.
[[nodiscard]] std::int32_t day_of(Timestamp time) noexcept;
/// Whole minutes since then, rounded down.
[[nodiscard]] std::int64_t minute_of(Timestamp time) noexcept;

/// "2026-11-22".
[[nodiscard]] std::string day_text(std::int32_t day);
[[nodiscard]] std::optional<std::int32_t> parse_day(std::string_view text) noexcept;
/// "2026-11-22T16:53Z".
[[nodiscard]] std::string minute_text(std::int64_t minute);
[[nodiscard]] std::optional<std::int64_t> parse_minute(std::string_view text) noexcept;

}  // namespace kpay::core
