#include "core/intake.h"

#include "base/check.h"
#include "base/plant.h"
#include "core/horizon.h"
#include "core/limits.h"
#include "core/logic.h"

namespace kpay::core {

namespace {

// Of the id alone, in order of precedence.
Refusal check_id(const IntakeReads& reads, const Uuid& id, const Hash128& content,
                 Timestamp now) noexcept {
  if (reads.known != nullptr) {
    return reads.known->content == content || KPAY_PLANT(conflict_taken_for_a_repeat)
               ? Refusal::none
               : Refusal::exists_with_different_content;
  }
  if (!id.is_v7()) {
    return Refusal::id_must_be_version_7;
  }
  const Timestamp created = id.created();
  if (created.ms < now.ms - kIdAgeMaxMs) {
    return Refusal::id_expired;
  }
  if (created.ms > now.ms + kIdAheadMaxMs) {
    return Refusal::id_from_the_future;
  }
  return Refusal::none;
}

Refusal check_limit(const Money& amount) noexcept {
  if (amount.minor > kAmountMax) {
    return Refusal::amount_exceeds_limit;
  }
  return amount.currency.known() ? Refusal::none : Refusal::currency_unknown;
}

// Of the content alone, in order of precedence.
Refusal check_content(const SubmitPayment& submit) noexcept {
  const Transfer& transfer = submit.transfer;
  if (transfer.from.reserved() || transfer.to.reserved()) {
    return Refusal::account_id_is_reserved;
  }
  if (transfer.from == transfer.to) {
    return Refusal::accounts_must_differ;
  }
  if (transfer.amount.minor <= 0) {
    return Refusal::amount_must_be_positive;
  }
  const Refusal limit = check_limit(transfer.amount);
  if (limit == Refusal::none && transfer.reference.size() > kLogic.reference_max) {
    return Refusal::reference_too_long;
  }
  return limit;
}

Refusal check_content(const OpenAccount& open) noexcept {
  if (open.account.reserved()) {
    return Refusal::account_id_is_reserved;
  }
  return open.opening.minor < 0 ? Refusal::opening_must_not_be_negative : check_limit(open.opening);
}

Refusal check_content(const Deposit& deposit) noexcept {
  if (deposit.account.reserved()) {
    return Refusal::account_id_is_reserved;
  }
  return deposit.amount.minor <= 0 ? Refusal::amount_must_be_positive : check_limit(deposit.amount);
}

Refusal check_content(const CloseAccount& close) noexcept {
  return close.account.reserved() ? Refusal::account_id_is_reserved : Refusal::none;
}

Money amount_of(const SubmitPayment& submit) noexcept { return submit.transfer.amount; }
Money amount_of(const OpenAccount& open) noexcept { return open.opening; }
Money amount_of(const Deposit& deposit) noexcept { return deposit.amount; }
Money amount_of(const CloseAccount&) noexcept { return {}; }

InflightEvent onward(const SubmitPayment& submit) noexcept { return DebitLeg{submit.transfer}; }
template <class C>
InflightEvent onward(const C& command) noexcept {
  return command;
}

constexpr CommandKind kind_of(const OpenAccount&) noexcept { return CommandKind::open_account; }
constexpr CommandKind kind_of(const Deposit&) noexcept { return CommandKind::deposit; }
constexpr CommandKind kind_of(const CloseAccount&) noexcept { return CommandKind::close_account; }

Outcome answer(const SubmitPayment& submit, Verdict verdict, Refusal refusal) noexcept {
  return verdict == Verdict::rejected ? rejected(submit.transfer, refusal)
                                      : failed(submit.transfer, refusal, false);
}
template <class C>
Outcome answer(const C& command, Verdict verdict, Refusal refusal) noexcept {
  const auto status =
      verdict == Verdict::rejected ? CommandStatus::rejected : CommandStatus::refused;
  return CommandOutcome{command.command, command.account, kind_of(command), status, refusal};
}

template <class C>
void decide_content(IntakeEffects& effects, const C& command) noexcept {
  effects.refusal = check_content(command);
  effects.remembered.refusal = effects.refusal;
  if (effects.refusal == Refusal::none) {
    effects.verdict = Verdict::accepted;
    effects.out = onward(command);
  } else {
    effects.verdict = Verdict::refused;
    effects.out = answer(command, effects.verdict, effects.refusal);
  }
}

}  // namespace

IntakeEffects decide(const IntakeReads& reads, const Command& command, Timestamp now) noexcept {
  IntakeEffects effects;
  effects.payment = std::holds_alternative<SubmitPayment>(command);
  effects.remembered.content = content_hash(command);
  const Refusal of_id = check_id(reads, id_of(command), effects.remembered.content, now);
  std::visit(
      [&](const auto& c) {
        const Money amount = amount_of(c);
        effects.currency = counted_currency(amount.currency);
        effects.value = counted_value(amount);
        if (of_id != Refusal::none) {
          effects.verdict = Verdict::rejected;
          effects.refusal = of_id;
          effects.out = answer(c, Verdict::rejected, of_id);
        } else if (reads.known == nullptr) {
          decide_content(effects, c);
        }
      },
      command);
  check((effects.verdict == Verdict::duplicate) == (effects.out.index() == 0),
        "whatever is new has an answer");
  return effects;
}

void evolve(IntakeTotals& totals, const IntakeEffects& effects) noexcept {
  if (effects.refusal != Refusal::none) {
    totals.refusals.add(effects.refusal);
  }
  switch (effects.verdict) {
    case Verdict::duplicate: ++totals.duplicates; break;
    case Verdict::rejected: ++totals.rejected; break;
    case Verdict::refused:
      if (effects.payment) {
        totals.accepted.add(effects.value);
        totals.refused.add(effects.value);
      } else {
        ++totals.commands_refused;
      }
      break;
    case Verdict::accepted:
      if (effects.payment) {
        totals.accepted.add(effects.value);
        totals.opened.add(effects.value);
      } else {
        ++totals.commands_accepted;
      }
      break;
  }
  check(totals.accepted.count == totals.refused.count + totals.opened.count,
        "what was accepted was either refused or opened");
}

}  // namespace kpay::core
