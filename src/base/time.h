// Timestamp: a point of event time in milliseconds since 1970-01-01 UTC. Code that decides
// anything about money gets its `now` as one of these and never asks a clock.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace kpay {

/// Milliseconds since the epoch, UTC. Kafka's record timestamps have the same unit.
struct Timestamp {
  std::int64_t ms = 0;

  friend constexpr bool operator==(const Timestamp&, const Timestamp&) = default;
  friend constexpr auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

/// RFC 3339 in UTC with milliseconds, e.g. "2026-11-22T16:53:55.000Z".
[[nodiscard]] std::string to_rfc3339(Timestamp time);

/// The machine's wall clock: for telemetry, ids that a client makes, and file names only.
[[nodiscard]] Timestamp wall_clock_now() noexcept;

/// A clock that never goes back, in milliseconds from some point: for timers and deadlines.
[[nodiscard]] std::int64_t monotonic_ms() noexcept;

}  // namespace kpay
