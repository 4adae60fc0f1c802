// Account: decides postings to one account and keeps its balance from being overdrawn.
//
// A debit that is refused fails the payment; a credit that is refused becomes a refund; a refund
// is never refused: what its account can't take goes to the currency's suspense account (R25).
#pragma once

#include <variant>

#include "core/legs.h"
#include "core/outcomes.h"
#include "core/rows.h"

namespace kpay::core {

/// The row of account_of(event), or null.
struct AccountReads {
  const AccountRow* account = nullptr;
};

enum class Posting : std::uint8_t {
  none,  ///< refused: no row changes
  open,
  deposit,
  debit,
  credit,
  refund,
  refund_to_suspense,
  close,
};

struct AccountEffects {
  Posting posting = Posting::none;
  Refusal refusal = Refusal::none;  ///< why this event was refused; none for a refund
  AccountId account;                ///< the row that changes; it is new when there is none
  Money amount;                     ///< of the posting
  Currency currency;                ///< whose totals count it
  std::variant<std::monostate, InflightEvent, Outcome> out;
};

/// REQUIRES of legs: an amount of 1 to kAmountMax.
[[nodiscard]] AccountEffects decide(const AccountReads& reads, const InflightEvent& event) noexcept;

/// Applies the effects to the row of effects.account, a default one when it is new.
/// REQUIRES: effects.posting is not none.
void evolve(AccountRow& row, const AccountEffects& effects) noexcept;
/// Counts the effects. REQUIRES: totals are those of effects.currency.
void evolve(AccountTotals& totals, const AccountEffects& effects) noexcept;

}  // namespace kpay::core
