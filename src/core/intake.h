// Intake: decides whether a command becomes a payment, by its shape, its age and its id (R12).
//
// It knows nothing of accounts. The same id and content again changes nothing but a counter;
// other content is rejected and leaves the original alone. Ids that are too old, too new or of
// the wrong kind are rejected and not remembered: their time can never come.
#pragma once

#include <variant>

#include "base/time.h"
#include "core/commands.h"
#include "core/legs.h"
#include "core/outcomes.h"
#include "core/rows.h"

namespace kpay::core {

/// The row of id_of(command), or null.
struct IntakeReads {
  const IdRow* known = nullptr;
};

enum class Verdict : std::uint8_t {
  duplicate,  ///< known, with the same content
  rejected,   ///< not remembered, told on payments.complete
  refused,    ///< remembered as refused, told on payments.complete
  accepted,   ///< remembered, goes on to payments.inflight
};

struct IntakeEffects {
  Verdict verdict = Verdict::duplicate;
  Refusal refusal = Refusal::none;
  bool payment = false;    ///< a payment, not an account command
  Currency currency;       ///< whose totals count it
  std::int64_t value = 0;  ///< what they count
  IdRow remembered;        ///< the new row of its id, when refused or accepted
  std::variant<std::monostate, InflightEvent, Outcome> out;

  [[nodiscard]] bool remembers() const noexcept {
    return verdict == Verdict::refused || verdict == Verdict::accepted;
  }
};

/// `now` includes the command's own time (R3).
[[nodiscard]] IntakeEffects decide(const IntakeReads& reads, const Command& command,
                                   Timestamp now) noexcept;

/// Counts the effects. REQUIRES: totals are those of effects.currency.
void evolve(IntakeTotals& totals, const IntakeEffects& effects) noexcept;

}  // namespace kpay::core
