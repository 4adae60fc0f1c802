#include "core/intake.h"

#include <gtest/gtest.h>

#include "core/expiry.h"
#include "core/horizon.h"
#include "core/limits.h"
#include "core/make.h"

namespace kpay::core {
namespace {

using testing::kHour;
using testing::kMinute;
using testing::kNow;

const Command kSubmit = testing::submit(1);

IdRow remembered(const Command& command) { return decide({}, command, kNow).remembered; }

TEST(Intake, A_new_payment_becomes_a_debit_leg_and_is_in_flight) {
  const IntakeEffects effects = decide({}, kSubmit, kNow);
  EXPECT_EQ(effects.verdict, Verdict::accepted);
  EXPECT_EQ(effects.out, (std::variant<std::monostate, InflightEvent, Outcome>(
                             InflightEvent(DebitLeg{std::get<SubmitPayment>(kSubmit).transfer}))));
  IntakeTotals totals;
  evolve(totals, effects);
  EXPECT_EQ(totals.accepted, (Tally{1, Sum(1234)}));
  EXPECT_EQ(totals.opened, totals.accepted);
  EXPECT_EQ(totals.refused, Tally{});
}

TEST(Intake, R12_The_same_id_and_content_again_changes_nothing_but_a_counter) {
  const IdRow known = remembered(kSubmit);
  // Even when it is by now too old to be accepted.
  const IntakeEffects effects = decide({&known}, kSubmit, {kNow.ms + 20 * kHour});
  EXPECT_EQ(effects.verdict, Verdict::duplicate);
  EXPECT_EQ(effects.out.index(), 0U);
  IntakeTotals totals;
  evolve(totals, effects);
  IntakeTotals expected;
  expected.duplicates = 1;
  EXPECT_EQ(totals, expected);
}

TEST(Intake, R12_The_same_id_with_other_content_is_rejected_and_not_remembered) {
  const IdRow known = remembered(kSubmit);
  const Transfer original = std::get<SubmitPayment>(kSubmit).transfer;
  std::vector<SubmitPayment> others(6, {original});
  others[0].transfer.amount.minor += 1;
  others[1].transfer.from = testing::account("alicia");
  others[2].transfer.to = testing::account("bobby");
  others[3].transfer.reference = "invoice 8";
  others[4].transfer.value_date = ValueDate(20260602);
  others[5].transfer.amount.currency = testing::currency("USD");
  for (const SubmitPayment& other : others) {
    const IntakeEffects effects = decide({&known}, Command(other), kNow);
    EXPECT_EQ(effects.verdict, Verdict::rejected);
    EXPECT_FALSE(effects.remembers());
    const auto& outcome = std::get<PaymentOutcome>(std::get<Outcome>(effects.out));
    EXPECT_EQ(outcome.status, PaymentStatus::rejected);
    EXPECT_EQ(outcome.refusal, Refusal::exists_with_different_content);
    EXPECT_FALSE(outcome.opened);
  }
}

TEST(Intake, R12_A_payment_and_an_account_command_of_one_id_are_a_conflict) {
  const IdRow known = remembered(testing::open(1, "alice", 5));
  EXPECT_EQ(decide({&known}, kSubmit, kNow).refusal, Refusal::exists_with_different_content);
  EXPECT_EQ(decide({&known}, testing::deposit(1, "alice", 5), kNow).refusal,
            Refusal::exists_with_different_content);
}

TEST(Intake, R12_A_refused_id_stays_refused) {
  const Command bad = testing::submit(1, -5);
  const IntakeEffects first = decide({}, bad, kNow);
  EXPECT_EQ(first.verdict, Verdict::refused);
  EXPECT_EQ(first.remembered.refusal, Refusal::amount_must_be_positive);
  EXPECT_EQ(decide({&first.remembered}, bad, kNow).verdict, Verdict::duplicate);
  EXPECT_EQ(decide({&first.remembered}, kSubmit, kNow).refusal,
            Refusal::exists_with_different_content);
}

TEST(Intake, A_refused_payment_counts_as_accepted_and_fails_without_having_been_in_flight) {
  const IntakeEffects effects = decide({}, testing::submit(1, 5, "alice", "alice"), kNow);
  const auto& outcome = std::get<PaymentOutcome>(std::get<Outcome>(effects.out));
  EXPECT_EQ(outcome.status, PaymentStatus::failed);
  EXPECT_FALSE(outcome.opened);
  IntakeTotals totals;
  evolve(totals, effects);
  EXPECT_EQ(totals.accepted, (Tally{1, Sum(5)}));
  EXPECT_EQ(totals.refused, (Tally{1, Sum(5)}));
  EXPECT_EQ(totals.opened, Tally{});
  EXPECT_EQ(totals.refusals.of(Refusal::accounts_must_differ), 1U);
}

TEST(Intake, R12_Ids_are_taken_from_half_the_horizon_back_to_a_little_ahead) {
  const auto verdict = [](std::int64_t created) {
    SubmitPayment submit = testing::submit(1);
    submit.transfer.payment = PaymentId(testing::id(1, {created}));
    return decide({}, Command(submit), kNow).verdict;
  };
  EXPECT_EQ(verdict(kNow.ms - 12 * kHour), Verdict::accepted);
  EXPECT_EQ(verdict(kNow.ms - 12 * kHour - 1), Verdict::rejected);
  EXPECT_EQ(verdict(kNow.ms + 15 * kMinute), Verdict::accepted);
  EXPECT_EQ(verdict(kNow.ms + 15 * kMinute + 1), Verdict::rejected);
}

TEST(Intake, R12_Whatever_is_forgotten_is_refused_as_expired) {
  // The youngest id that could have been accepted at kNow, at the first moment it is forgotten.
  const Timestamp created{kNow.ms + kIdAheadMaxMs};
  ExpiryChunk chunk;
  append(chunk, {testing::id(1, created), 0}, kNow);
  Timestamp forgotten = kNow;
  while (!is_due(chunk, forgotten)) {
    forgotten.ms += kMinute;
  }
  SubmitPayment submit = testing::submit(1);
  submit.transfer.payment = PaymentId(testing::id(1, created));
  EXPECT_EQ(decide({}, Command(submit), forgotten).refusal, Refusal::id_expired);
}

TEST(Intake, R13_The_longest_reference_is_a_named_limit) {
  const std::string longest(kReferenceMax, 'x');
  SubmitPayment submit = testing::submit(1);
  submit.transfer.reference = longest;
  EXPECT_EQ(decide({}, Command(submit), kNow).verdict, Verdict::accepted);
}

TEST(Expiry, A_chunk_takes_so_many_ids_of_one_minute) {
  ExpiryChunk chunk;
  append(chunk, {testing::id(0), 0}, kNow);
  EXPECT_TRUE(takes_more(chunk, {kNow.ms + kMinute}));
  EXPECT_FALSE(takes_more(chunk, {kNow.ms + kMinute + 1}));
  for (std::uint32_t i = 1; i < kExpiryChunkIds; ++i) {
    ASSERT_TRUE(takes_more(chunk, kNow));
    append(chunk, {testing::id(i), 0}, kNow);
  }
  EXPECT_FALSE(takes_more(chunk, kNow));
  EXPECT_FALSE(is_due(chunk, {kNow.ms + kHorizonMs}));
  EXPECT_TRUE(is_due(chunk, {kNow.ms + kHorizonMs + 1}));
}

}  // namespace
}  // namespace kpay::core
