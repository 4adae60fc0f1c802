// Confirmed: makes the public result of each payment and counts results by day and currency.
//
// The day is that of `now` in UTC (R3). Rejected commands and account commands have no public
// result: a rejection says nothing of the payment with that id.
#pragma once

#include <optional>

#include "base/time.h"
#include "core/outcomes.h"
#include "core/rows.h"

namespace kpay::core {

struct ConfirmedEffects {
  PaymentResult result;  ///< without its number, which the outlet gives
  std::int32_t day = 0;  ///< with the currency: the row that counts it
  Currency currency;
  std::int64_t value = 0;
};

/// Nothing for an outcome that has no public result.
[[nodiscard]] std::optional<ConfirmedEffects> decide_result(const Outcome& outcome,
                                                            Timestamp event_time,
                                                            Timestamp finished,
                                                            Timestamp now) noexcept;

/// Counts the result. REQUIRES: the row is that of effects.day and effects.currency.
void evolve(DayRow& row, const ConfirmedEffects& effects) noexcept;

}  // namespace kpay::core
