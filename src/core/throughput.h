// Throughput: per-minute windows of what completed, how fast, and how much.
//
// A window is found by the append time of the outcome, so that windows recomputed from the log
// are equal (R5). Windows are kept for kWindowsKept minutes and then erased.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"
#include "core/outcomes.h"
#include "core/rows.h"

namespace kpay::core {

struct ThroughputEffects {
  std::int64_t minute = 0;  ///< the window
  bool completed = false;   ///< else it failed, and is only counted
  PaymentId payment;
  Money amount;
  std::int64_t latency_ms = 0;
};

/// Nothing for an outcome that is not a payment's. A window that is swept already gives way to
/// the oldest one that is kept.
[[nodiscard]] std::optional<ThroughputEffects> decide_window(const SweepRow& sweep,
                                                             const Outcome& outcome,
                                                             Timestamp event_time,
                                                             Timestamp appended) noexcept;

/// REQUIRES: the row is that of effects.minute.
void evolve(WindowRow& row, const ThroughputEffects& effects);

/// The first minute that is kept at `now`, in steps of at most kWindowsPerSweep.
[[nodiscard]] std::int64_t sweep_to(const SweepRow& sweep, Timestamp now) noexcept;

}  // namespace kpay::core
