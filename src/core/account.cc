#include "core/account.h"

#include "base/check.h"
#include "base/plant.h"
#include "core/limits.h"

namespace kpay::core {

namespace {

bool has_room(const AccountRow& row, std::int64_t minor) noexcept {
  return row.balance + Sum(minor) <= Sum(kBalanceMax);
}

// What every posting but a refund needs: an account that is there, open, and of the currency.
Refusal check_open(const AccountReads& reads, const AccountId& account) noexcept {
  if (account.reserved()) {
    return Refusal::account_id_is_reserved;
  }
  if (reads.account == nullptr) {
    return Refusal::account_not_found;
  }
  return reads.account->state == AccountState::closed ? Refusal::account_closed : Refusal::none;
}

Refusal check_debit(const AccountReads& reads, const Transfer& transfer) noexcept {
  const Refusal refusal = check_open(reads, transfer.from);
  if (refusal != Refusal::none) {
    return refusal;
  }
  if (reads.account->currency != transfer.amount.currency) {
    return Refusal::currency_must_match_account;
  }
  return reads.account->balance < Sum(transfer.amount.minor) && !KPAY_PLANT(overdraft)
             ? Refusal::exceeds_balance
             : Refusal::none;
}

Refusal check_incoming(const AccountReads& reads, const AccountId& account,
                       const Money& amount) noexcept {
  const Refusal refusal = check_open(reads, account);
  if (refusal != Refusal::none) {
    return refusal;
  }
  if (reads.account->currency != amount.currency) {
    return Refusal::currency_must_match_account;
  }
  return has_room(*reads.account, amount.minor) ? Refusal::none : Refusal::overflows_balance;
}

AccountEffects posting_of(const Transfer& transfer, const AccountId& account) noexcept {
  check(transfer.amount.minor > 0 && transfer.amount.minor <= kAmountMax,
        "a leg has a legal amount");
  AccountEffects effects;
  effects.account = account;
  effects.amount = transfer.amount;
  effects.currency = counted_currency(transfer.amount.currency);
  return effects;
}

AccountEffects decide_one(const AccountReads& reads, const DebitLeg& leg) noexcept {
  AccountEffects effects = posting_of(leg.transfer, leg.transfer.from);
  effects.refusal = check_debit(reads, leg.transfer);
  if (effects.refusal == Refusal::none) {
    effects.posting = Posting::debit;
    effects.out = InflightEvent(CreditLeg{leg.transfer});
  } else {
    effects.out = Outcome(failed(leg.transfer, effects.refusal, true));
  }
  return effects;
}

AccountEffects decide_one(const AccountReads& reads, const CreditLeg& leg) noexcept {
  AccountEffects effects = posting_of(leg.transfer, leg.transfer.to);
  effects.refusal = check_incoming(reads, leg.transfer.to, leg.transfer.amount);
  if (effects.refusal == Refusal::none) {
    effects.posting = Posting::credit;
    effects.out = Outcome(completed(leg.transfer));
  } else {
    effects.out = InflightEvent(RefundLeg{leg.transfer, effects.refusal});
    if (KPAY_PLANT(drop_refund)) {
      effects.out = Outcome(failed(leg.transfer, effects.refusal, true));
    }
  }
  return effects;
}

// R25: whatever the state of the account. Only an account that is not there, has another
// currency or no room can't take it.
AccountEffects decide_one(const AccountReads& reads, const RefundLeg& leg) noexcept {
  AccountEffects effects = posting_of(leg.transfer, leg.transfer.from);
  const bool takes_it = reads.account != nullptr &&
                        reads.account->currency == leg.transfer.amount.currency &&
                        has_room(*reads.account, leg.transfer.amount.minor);
  if (takes_it) {
    effects.posting = Posting::refund;
  } else {
    effects.posting = Posting::refund_to_suspense;
    effects.account = AccountId::suspense(leg.transfer.amount.currency);
  }
  effects.out = Outcome(failed(leg.transfer, leg.refusal, true));
  return effects;
}

AccountEffects answer(AccountEffects effects, const CommandId& command, CommandKind kind,
                      Posting posting) noexcept {
  const bool done = effects.refusal == Refusal::none;
  effects.posting = done ? posting : Posting::none;
  effects.out =
      Outcome(CommandOutcome{command, effects.account, kind,
                             done ? CommandStatus::done : CommandStatus::refused, effects.refusal});
  return effects;
}

AccountEffects command_on(const AccountId& account, const Money& amount) noexcept {
  AccountEffects effects;
  effects.account = account;
  effects.amount = amount;
  effects.currency = counted_currency(amount.currency);
  return effects;
}

Refusal check_opening(const AccountReads& reads, const OpenAccount& open) noexcept {
  if (open.account.reserved()) {
    return Refusal::account_id_is_reserved;
  }
  if (open.opening.minor < 0) {
    return Refusal::opening_must_not_be_negative;
  }
  if (open.opening.minor > kAmountMax) {
    return Refusal::amount_exceeds_limit;
  }
  if (!open.opening.currency.known()) {
    return Refusal::currency_unknown;
  }
  return reads.account != nullptr ? Refusal::account_exists : Refusal::none;
}

AccountEffects decide_one(const AccountReads& reads, const OpenAccount& open) noexcept {
  AccountEffects effects = command_on(open.account, open.opening);
  effects.refusal = check_opening(reads, open);
  return answer(effects, open.command, CommandKind::open_account, Posting::open);
}

AccountEffects decide_one(const AccountReads& reads, const Deposit& deposit) noexcept {
  AccountEffects effects = command_on(deposit.account, deposit.amount);
  if (deposit.account.reserved()) {
    effects.refusal = Refusal::account_id_is_reserved;
  } else if (deposit.amount.minor <= 0) {
    effects.refusal = Refusal::amount_must_be_positive;
  } else if (deposit.amount.minor > kAmountMax) {
    effects.refusal = Refusal::amount_exceeds_limit;
  } else {
    effects.refusal = check_incoming(reads, deposit.account, deposit.amount);
  }
  return answer(effects, deposit.command, CommandKind::deposit, Posting::deposit);
}

AccountEffects decide_one(const AccountReads& reads, const CloseAccount& close) noexcept {
  const Currency currency = reads.account != nullptr ? reads.account->currency : Currency{};
  AccountEffects effects = command_on(close.account, Money{0, currency});
  effects.refusal = check_open(reads, close.account);
  if (effects.refusal == Refusal::none && reads.account->balance != Sum{}) {
    effects.refusal = Refusal::balance_must_be_zero;
  }
  return answer(effects, close.command, CommandKind::close_account, Posting::close);
}

}  // namespace

AccountEffects decide(const AccountReads& reads, const InflightEvent& event) noexcept {
  AccountEffects effects = std::visit([&](const auto& e) { return decide_one(reads, e); }, event);
  check(effects.out.index() != 0, "every event for an account has a consequence");
  check((effects.posting == Posting::none) == (effects.refusal != Refusal::none),
        "an event is either posted or refused");
  return effects;
}

void evolve(AccountRow& row, const AccountEffects& effects) noexcept {
  const std::int64_t minor = effects.amount.minor;
  switch (effects.posting) {
    case Posting::none: check(false, "a refused event changes no row"); break;
    case Posting::open:
      row.currency = effects.amount.currency;
      row.state = AccountState::open;
      row.opening = Sum(minor);
      row.balance = row.opening;
      break;
    case Posting::deposit:
      row.deposits += minor;
      row.balance += minor;
      break;
    case Posting::debit: row.balance -= minor; break;
    case Posting::credit: row.balance += minor; break;
    case Posting::refund: row.balance += KPAY_PLANT(refund_twice) ? 2 * minor : minor; break;
    case Posting::refund_to_suspense:
      row.currency = effects.amount.currency;
      row.balance += minor;
      break;
    case Posting::close: row.state = AccountState::closed; break;
  }
  ++row.version;
  check(row.balance >= Sum{}, "no balance is ever negative");
}

void evolve(AccountTotals& totals, const AccountEffects& effects) noexcept {
  const std::int64_t minor = effects.amount.minor;
  switch (effects.posting) {
    case Posting::none: totals.refusals.add(effects.refusal); break;
    case Posting::open: totals.opened.add(minor); break;
    case Posting::deposit: totals.deposits.add(minor); break;
    case Posting::debit: totals.debited.add(minor); break;
    case Posting::credit: totals.credited.add(minor); break;
    case Posting::refund: totals.refunded.add(minor); break;
    case Posting::refund_to_suspense:
      totals.refunded.add(minor);
      totals.suspense.add(minor);
      break;
    case Posting::close: ++totals.closed; break;
  }
  check(totals.suspense.count <= totals.refunded.count, "suspense takes refunds only");
}

}  // namespace kpay::core
