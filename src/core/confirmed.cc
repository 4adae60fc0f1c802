#include "core/confirmed.h"

#include "base/check.h"
#include "core/day.h"

namespace kpay::core {

std::optional<ConfirmedEffects> decide_result(const Outcome& outcome, Timestamp event_time,
                                              Timestamp finished, Timestamp now) noexcept {
  const auto* payment = std::get_if<PaymentOutcome>(&outcome);
  if (payment == nullptr || payment->status == PaymentStatus::rejected) {
    return std::nullopt;
  }
  ConfirmedEffects effects;
  PaymentResult& result = effects.result;
  result.payment = payment->payment;
  result.confirmed = payment->status == PaymentStatus::completed;
  result.refusal = payment->refusal;
  result.amount = payment->amount;
  result.from = payment->from;
  result.to = payment->to;
  result.event_time = event_time;
  result.finished = finished;
  effects.day = day_of(now);
  effects.currency = counted_currency(payment->amount.currency);
  effects.value = counted_value(payment->amount);
  check(result.confirmed == (result.refusal == Refusal::none), "a failure has its reason");
  return effects;
}

void evolve(DayRow& row, const ConfirmedEffects& effects) noexcept {
  if (effects.result.confirmed) {
    row.confirmed.add(effects.value);
  } else {
    row.failed.add(effects.value);
    row.refusals[place_of(effects.result.refusal)].add(effects.value);
  }
}

}  // namespace kpay::core
