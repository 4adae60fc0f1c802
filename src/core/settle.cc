#include "core/settle.h"

#include "base/check.h"

namespace kpay::core {

namespace {

void reject(SettleEffects& effects, const SettleReads& reads, Refusal refusal,
            Timestamp finished) noexcept {
  RejectionRow row = reads.rejection != nullptr ? *reads.rejection : RejectionRow{};
  row.refusal = refusal;
  row.finished = finished;
  ++row.count;
  effects.fresh = reads.rejection == nullptr;
  effects.row = row;
}

void decide_one(SettleEffects& effects, const SettleReads& reads, const PaymentOutcome& outcome,
                Timestamp event_time, Timestamp finished) noexcept {
  effects.currency = counted_currency(outcome.amount.currency);
  effects.value = counted_value(outcome.amount);
  if (outcome.status == PaymentStatus::rejected) {
    reject(effects, reads, outcome.refusal, finished);
  } else if (reads.payment == nullptr) {
    effects.fresh = true;
    effects.opened = outcome.opened;
    effects.row = PaymentRow{outcome.status, outcome.refusal, outcome.amount, event_time, finished};
  }
}

void decide_one(SettleEffects& effects, const SettleReads& reads, const CommandOutcome& outcome,
                Timestamp event_time, Timestamp finished) noexcept {
  if (outcome.status == CommandStatus::rejected) {
    reject(effects, reads, outcome.refusal, finished);
  } else if (reads.command == nullptr) {
    effects.fresh = true;
    effects.row = CommandRow{outcome.kind,    outcome.status, outcome.refusal,
                             outcome.account, event_time,     finished};
  }
}

}  // namespace

SettleEffects decide(const SettleReads& reads, const Outcome& outcome, Timestamp event_time,
                     Timestamp finished) noexcept {
  SettleEffects effects;
  std::visit([&](const auto& o) { decide_one(effects, reads, o, event_time, finished); }, outcome);
  check(!effects.opened || std::holds_alternative<PaymentRow>(effects.row),
        "only a payment can have been in flight");
  return effects;
}

void evolve(SettleTotals& totals, const SettleEffects& effects) noexcept {
  if (const auto* payment = std::get_if<PaymentRow>(&effects.row)) {
    const bool completed = payment->status == PaymentStatus::completed;
    Tally& tally = completed        ? totals.completed
                   : effects.opened ? totals.failed
                                    : totals.failed_at_intake;
    tally.add(effects.value);
    if (effects.opened) {
      totals.closed.add(effects.value);
    }
  } else if (std::holds_alternative<RejectionRow>(effects.row)) {
    ++totals.rejected;
  } else if (std::holds_alternative<std::monostate>(effects.row)) {
    ++totals.repeated;
  }
  check(totals.closed.count == totals.completed.count + totals.failed.count,
        "what was closed has either completed or failed");
}

}  // namespace kpay::core
