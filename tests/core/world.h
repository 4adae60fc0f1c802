// World: all five stages' rows in plain maps, moved by the core alone. The oracle of properties
// and the teller of the transcript: no tables, no wire, no partitions.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/confirmed.h"
#include "core/intake.h"
#include "core/make.h"
#include "core/settle.h"
#include "core/throughput.h"

namespace kpay::testing {

class World {
 public:
  using Effects = core::IntakeEffects;

  Effects command(const core::Command& command) {
    const Uuid& id = core::id_of(command);
    const auto known = ids.find(id);
    const Effects effects =
        core::decide({known == ids.end() ? nullptr : &known->second}, command, now);
    if (effects.remembers()) {
      ids.emplace(id, effects.remembered);
    }
    core::evolve(intake[effects.currency], effects);
    take(effects.out);
    return effects;
  }

  /// Applies the i-th event in flight.
  core::AccountEffects post(std::size_t i) {
    const core::InflightEvent event = inflight[i];
    inflight.erase(inflight.begin() + static_cast<std::ptrdiff_t>(i));
    const auto row = accounts.find(core::account_of(event));
    const core::AccountEffects effects =
        core::decide({row == accounts.end() ? nullptr : &row->second}, event);
    if (effects.posting != core::Posting::none) {
      core::evolve(accounts[effects.account], effects);
    }
    core::evolve(account[effects.currency], effects);
    take(effects.out);
    return effects;
  }

  /// Applies the oldest outcome.
  core::Outcome finish() {
    const core::Outcome outcome = outcomes.front();
    outcomes.pop_front();
    const Uuid& id = core::subject_of(outcome);
    const Timestamp finished{now.ms + 20};
    const auto payment = payments.find(id);
    const auto rejection = rejections.find(id);
    const auto effects =
        core::decide({payment == payments.end() ? nullptr : &payment->second, nullptr,
                      rejection == rejections.end() ? nullptr : &rejection->second},
                     outcome, now, finished);
    if (const auto* row = std::get_if<core::PaymentRow>(&effects.row)) {
      payments[id] = *row;
    } else if (const auto* rejected = std::get_if<core::RejectionRow>(&effects.row)) {
      rejections[id] = *rejected;
    }
    core::evolve(settle[effects.currency], effects);
    if (const auto result = core::decide_result(outcome, now, finished, now)) {
      core::evolve(days[{result->day, result->currency}], *result);
    }
    if (const auto window = core::decide_window({}, outcome, now, finished)) {
      core::evolve(windows[window->minute], *window);
    }
    return outcome;
  }

  void run() {
    while (!inflight.empty()) {
      post(0);
    }
    while (!outcomes.empty()) {
      finish();
    }
  }

  /// All balances of a currency.
  [[nodiscard]] core::Sum balances(core::Currency currency) const {
    core::Sum sum;
    for (const auto& [id, row] : accounts) {
      if (row.currency == currency) {
        sum += row.balance;
      }
    }
    return sum;
  }
  /// Money that has left one account and not reached another.
  [[nodiscard]] core::Sum between(core::Currency currency) const {
    core::Sum sum;
    for (const core::InflightEvent& event : inflight) {
      const core::Transfer* transfer = nullptr;
      if (const auto* credit = std::get_if<core::CreditLeg>(&event)) {
        transfer = &credit->transfer;
      } else if (const auto* refund = std::get_if<core::RefundLeg>(&event)) {
        transfer = &refund->transfer;
      }
      if (transfer != nullptr && transfer->amount.currency == currency) {
        sum += transfer->amount.minor;
      }
    }
    return sum;
  }

  Timestamp now = kNow;
  std::map<Uuid, core::IdRow> ids;
  std::map<core::AccountId, core::AccountRow> accounts;
  std::map<Uuid, core::PaymentRow> payments;
  std::map<Uuid, core::RejectionRow> rejections;
  std::map<core::Currency, core::IntakeTotals> intake;
  std::map<core::Currency, core::AccountTotals> account;
  std::map<core::Currency, core::SettleTotals> settle;
  std::map<std::pair<std::int32_t, core::Currency>, core::DayRow> days;
  std::map<std::int64_t, core::WindowRow> windows;
  std::deque<core::InflightEvent> inflight;
  std::deque<core::Outcome> outcomes;

 private:
  void take(const std::variant<std::monostate, core::InflightEvent, core::Outcome>& out) {
    if (const auto* event = std::get_if<core::InflightEvent>(&out)) {
      inflight.push_back(*event);
    } else if (const auto* outcome = std::get_if<core::Outcome>(&out)) {
      outcomes.push_back(*outcome);
    }
  }
};

}  // namespace kpay::testing
