// What is made of outcomes: settle, confirmed and throughput.
#include <gtest/gtest.h>

#include "core/confirmed.h"
#include "core/day.h"
#include "core/horizon.h"
#include "core/make.h"
#include "core/settle.h"
#include "core/throughput.h"

namespace kpay::core {
namespace {

using testing::kMinute;
using testing::kNow;

const Transfer kTransfer = testing::transfer(1, 300);
const Timestamp kLater{kNow.ms + 20};

SettleEffects settle(const SettleReads& reads, const Outcome& outcome) {
  return decide(reads, outcome, kNow, kLater);
}

TEST(Settle, A_payment_gets_its_final_status_and_is_closed) {
  const SettleEffects effects = settle({}, completed(kTransfer));
  const PaymentRow expected{PaymentStatus::completed, Refusal::none, testing::eur(300), kNow,
                            kLater};
  EXPECT_EQ(std::get<PaymentRow>(effects.row), expected);
  EXPECT_TRUE(effects.fresh);
  SettleTotals totals;
  evolve(totals, effects);
  EXPECT_EQ(totals.completed, (Tally{1, Sum(300)}));
  EXPECT_EQ(totals.closed, totals.completed);
}

TEST(Settle, What_failed_at_intake_had_never_been_in_flight) {
  SettleTotals totals;
  evolve(totals, settle({}, failed(kTransfer, Refusal::accounts_must_differ, false)));
  EXPECT_EQ(totals.failed_at_intake.count, 1U);
  EXPECT_EQ(totals.closed, Tally{});
  evolve(totals, settle({}, failed(kTransfer, Refusal::exceeds_balance, true)));
  EXPECT_EQ(totals.failed, (Tally{1, Sum(300)}));
  EXPECT_EQ(totals.closed, totals.failed);
}

TEST(Settle, R12_A_rejected_command_touches_no_payment_of_its_id) {
  const PaymentRow row{PaymentStatus::completed, Refusal::none, testing::eur(300), kNow, kLater};
  const Outcome outcome = rejected(kTransfer, Refusal::exists_with_different_content);
  const SettleEffects effects = settle({&row, nullptr, nullptr}, outcome);
  const auto& rejection = std::get<RejectionRow>(effects.row);
  EXPECT_EQ(rejection.count, 1U);
  const SettleEffects again = settle({&row, nullptr, &rejection}, outcome);
  EXPECT_EQ(std::get<RejectionRow>(again.row).count, 2U);
  EXPECT_FALSE(again.fresh);
  SettleTotals totals;
  evolve(totals, effects);
  EXPECT_EQ(totals.rejected, 1U);
  EXPECT_EQ(totals.closed, Tally{});
}

TEST(Settle, The_first_outcome_stands_and_another_is_only_counted) {
  const PaymentRow row{PaymentStatus::completed, Refusal::none, testing::eur(300), kNow, kLater};
  const SettleEffects effects =
      settle({&row, nullptr, nullptr}, failed(kTransfer, Refusal::account_closed, true));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(effects.row));
  SettleTotals totals;
  evolve(totals, effects);
  EXPECT_EQ(totals.repeated, 1U);
  EXPECT_EQ(totals.closed, Tally{});
}

TEST(Settle, An_account_command_keeps_its_outcome) {
  const CommandOutcome outcome{CommandId(testing::id(2)), testing::account("alice"),
                               CommandKind::deposit, CommandStatus::refused,
                               Refusal::account_not_found};
  const SettleEffects effects = settle({}, outcome);
  EXPECT_EQ(std::get<CommandRow>(effects.row).refusal, Refusal::account_not_found);
  EXPECT_EQ(std::get<CommandRow>(effects.row).account, testing::account("alice"));
}

TEST(Confirmed, A_result_is_counted_on_the_day_of_now) {
  const auto effects = decide_result(completed(kTransfer), kNow, kLater, kLater);
  ASSERT_TRUE(effects.has_value());
  EXPECT_EQ(day_text(effects->day), "2026-05-28");
  EXPECT_TRUE(effects->result.confirmed);
  EXPECT_EQ(effects->result.event_time, kNow);
  EXPECT_EQ(effects->result.finished, kLater);
  DayRow row;
  evolve(row, *effects);
  const auto refused =
      decide_result(failed(kTransfer, Refusal::exceeds_balance, true), kNow, kLater, kLater);
  evolve(row, *refused);
  EXPECT_EQ(row.confirmed, (Tally{1, Sum(300)}));
  EXPECT_EQ(row.failed, (Tally{1, Sum(300)}));
  EXPECT_EQ(row.refusals[place_of(Refusal::exceeds_balance)], row.failed);
}

TEST(Confirmed, R12_Rejected_commands_have_no_public_result) {
  EXPECT_FALSE(decide_result(rejected(kTransfer, Refusal::id_expired), kNow, kLater, kLater));
  EXPECT_FALSE(decide_result(CommandOutcome{}, kNow, kLater, kLater));
}

TEST(Throughput, R5_Latency_is_the_outcomes_append_time_minus_the_event_time) {
  WindowRow row;
  const auto effects = decide_window({}, completed(kTransfer), kNow, kLater);
  ASSERT_TRUE(effects.has_value());
  EXPECT_EQ(effects->minute, minute_of(kLater));
  evolve(row, *effects);
  EXPECT_EQ(row.latency_ms.min(), 20);
  EXPECT_EQ(row.latency_ms.max(), 20);
  // Two brokers' clocks may differ: less than nothing is nothing.
  evolve(row, *decide_window({}, completed(testing::transfer(2, 900)), kLater, kNow));
  EXPECT_EQ(row.latency_ms.min(), 0);
  ASSERT_EQ(row.currencies.size(), 1U);
  EXPECT_EQ(row.currencies[0].completed, (Tally{2, Sum(1200)}));
  EXPECT_EQ(row.currencies[0].largest, 900);
  EXPECT_EQ(row.currencies[0].largest_payment, PaymentId(testing::id(2)));
}

TEST(Throughput, A_failed_payment_is_counted_without_latency_or_value) {
  WindowRow row;
  evolve(row, *decide_window({}, failed(kTransfer, Refusal::account_closed, true), kNow, kLater));
  EXPECT_EQ(row.failed, 1U);
  EXPECT_EQ(row.latency_ms.count(), 0U);
  EXPECT_TRUE(row.currencies.empty());
}

TEST(Throughput, Old_windows_are_swept_in_bounded_steps) {
  const SweepRow row{minute_of(kNow) - kWindowsKept};
  EXPECT_EQ(sweep_to(row, kNow), row.first_minute);
  EXPECT_EQ(sweep_to(row, {kNow.ms + kMinute}), row.first_minute + 1);
  EXPECT_EQ(sweep_to(row, {kNow.ms + 1000 * kMinute}), row.first_minute + kWindowsPerSweep);
  EXPECT_EQ(sweep_to(row, {kNow.ms - 1000 * kMinute}), row.first_minute);
  const SweepRow ahead{minute_of(kLater) + 5};
  EXPECT_EQ(decide_window(ahead, completed(kTransfer), kNow, kLater)->minute, ahead.first_minute);
}

}  // namespace
}  // namespace kpay::core
