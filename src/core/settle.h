// Settle: keeps how each payment and account command ended, and closes what intake opened.
#pragma once

#include <variant>

#include "base/time.h"
#include "core/outcomes.h"
#include "core/rows.h"

namespace kpay::core {

/// The rows of subject_of(outcome), or null.
struct SettleReads {
  const PaymentRow* payment = nullptr;
  const CommandRow* command = nullptr;
  const RejectionRow* rejection = nullptr;
};

struct SettleEffects {
  /// The row to write under the subject's id; none for a repeat, which only counts.
  std::variant<std::monostate, PaymentRow, CommandRow, RejectionRow> row;
  bool fresh = false;      ///< the row is new: remember to forget it
  bool opened = false;     ///< it closes a payment that was in flight
  Currency currency;       ///< whose totals count it
  std::int64_t value = 0;  ///< what they count
};

/// The first outcome of an id stands; a rejection touches neither payment nor command (R12).
[[nodiscard]] SettleEffects decide(const SettleReads& reads, const Outcome& outcome,
                                   Timestamp event_time, Timestamp finished) noexcept;

/// Counts the effects. REQUIRES: totals are those of effects.currency.
void evolve(SettleTotals& totals, const SettleEffects& effects) noexcept;

}  // namespace kpay::core
