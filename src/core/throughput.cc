#include "core/throughput.h"

#include <algorithm>

#include "base/check.h"
#include "core/day.h"
#include "core/horizon.h"

namespace kpay::core {

namespace {

CurrencyWindow& window_of(WindowRow& row, Currency currency) {
  const auto at = std::lower_bound(
      row.currencies.begin(), row.currencies.end(), currency,
      [](const CurrencyWindow& window, Currency c) { return window.currency < c; });
  if (at != row.currencies.end() && at->currency == currency) {
    return *at;
  }
  CurrencyWindow window;
  window.currency = currency;
  return *row.currencies.insert(at, window);
}

}  // namespace

std::optional<ThroughputEffects> decide_window(const SweepRow& sweep, const Outcome& outcome,
                                               Timestamp event_time, Timestamp appended) noexcept {
  const auto* payment = std::get_if<PaymentOutcome>(&outcome);
  if (payment == nullptr || payment->status == PaymentStatus::rejected) {
    return std::nullopt;
  }
  ThroughputEffects effects;
  effects.minute = std::max(minute_of(appended), sweep.first_minute);
  effects.completed = payment->status == PaymentStatus::completed;
  effects.payment = payment->payment;
  effects.amount = payment->amount;
  effects.latency_ms = appended.ms - event_time.ms;
  return effects;
}

void evolve(WindowRow& row, const ThroughputEffects& effects) {
  if (!effects.completed) {
    ++row.failed;
    return;
  }
  row.latency_ms.add(effects.latency_ms);
  CurrencyWindow& window = window_of(row, counted_currency(effects.amount.currency));
  window.completed.add(counted_value(effects.amount));
  if (effects.amount.minor > window.largest) {
    window.largest = effects.amount.minor;
    window.largest_payment = effects.payment;
  }
  check(window.completed.count <= row.latency_ms.count(), "each completed payment has a latency");
}

std::int64_t sweep_to(const SweepRow& sweep, Timestamp now) noexcept {
  const std::int64_t due = minute_of(now) - kWindowsKept;
  return std::clamp(due, sweep.first_minute, sweep.first_minute + kWindowsPerSweep);
}

}  // namespace kpay::core
