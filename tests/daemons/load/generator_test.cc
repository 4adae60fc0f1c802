#include "daemons/load/generator.h"

#include <gtest/gtest.h>

namespace kpay::load {
namespace {

constexpr std::int64_t kWallMs = 1'795'366'435'000;

Moment at(std::int64_t ms) { return {ms * 1000, Timestamp{kWallMs + ms}}; }

tool::LoadState wanted(double rate) {
  tool::LoadState state;
  state.running = true;
  state.rate = rate;
  state.mix.accounts = 10;
  state.reason = "why";
  state.owner = "ada";
  return state;
}

class GeneratorTest : public testing::Test {
 protected:
  // What is made from one moment to another when it is asked each millisecond.
  std::vector<core::Transfer> run(std::int64_t from_ms, std::int64_t to_ms) {
    std::vector<core::Transfer> made;
    for (std::int64_t ms = from_ms; ms < to_ms; ++ms) {
      while (std::optional<core::Transfer> transfer = generator_.next(at(ms))) {
        made.push_back(*transfer);
      }
    }
    return made;
  }
  std::string report() { return generator_.report().json(); }
  bool says(const std::string& text) { return report().find(text) != std::string::npos; }

  static core::PaymentResult result_of(const core::Transfer& transfer, core::Refusal refusal) {
    core::PaymentResult result;
    result.payment = transfer.payment;
    result.confirmed = refusal == core::Refusal::none;
    result.refusal = refusal;
    return result;
  }

  Generator generator_{true};
};

TEST_F(GeneratorTest, NothingIsMadeUntilSomethingIsWanted) {
  EXPECT_TRUE(run(0, 1000).empty());
  generator_.want(tool::LoadState{}, at(0));
  EXPECT_TRUE(run(0, 1000).empty());
  EXPECT_EQ(generator_.summary(), "stopped");
}

TEST_F(GeneratorTest, PaymentsComeAtTheRateAndAtAnother) {
  generator_.want(wanted(100), at(0));
  EXPECT_EQ(run(0, 1000).size(), 100U);
  generator_.want(wanted(500), at(1000));
  EXPECT_EQ(run(1000, 2000).size(), 500U);
  EXPECT_TRUE(says(R"("sent": 600)")) << report();
}

TEST_F(GeneratorTest, AStopEndsItAndTheCountsStay) {
  generator_.want(wanted(100), at(0));
  EXPECT_EQ(run(0, 1000).size(), 100U);
  generator_.want(tool::LoadState{}, at(1000));
  EXPECT_TRUE(run(1000, 2000).empty());
  EXPECT_FALSE(generator_.generating());
  EXPECT_TRUE(says(R"("sent": 100)")) << report();
}

TEST_F(GeneratorTest, ItEndsWhenItsTimeIsOver) {
  tool::LoadState state = wanted(100);
  state.until_ms = kWallMs + 500;
  generator_.want(state, at(0));
  EXPECT_EQ(run(0, 1000).size(), 50U);
  EXPECT_FALSE(generator_.generating());
  EXPECT_EQ(generator_.summary(), "its time is over (why; ada)");
}

TEST_F(GeneratorTest, WhatIsReadAgainAfterARestartGoesOnUntilItsTime) {
  tool::LoadState state = wanted(100);
  state.until_ms = kWallMs - 1;
  generator_.want(state, at(0));
  EXPECT_TRUE(run(0, 1000).empty());
}

TEST_F(GeneratorTest, WithoutPermissionNothingIsEverMadeAndItSaysSo) {
  Generator locked(false);
  locked.want(wanted(100), at(0));
  for (std::int64_t ms = 0; ms < 1000; ++ms) {
    EXPECT_FALSE(locked.next(at(ms)));
  }
  EXPECT_EQ(locked.due_us(), Pace::kNever);
  EXPECT_NE(locked.problem().find("--allow-load"), std::string::npos);
  EXPECT_NE(locked.report().json().find(R"("allowed": false)"), std::string::npos);
}

TEST_F(GeneratorTest, ARecordThatCantBeFollowedStopsItAndIsNamed) {
  generator_.want(wanted(100), at(0));
  EXPECT_EQ(run(0, 100).size(), 10U);
  generator_.want(Unexpected(ErrorCode::invalid, "rate has to be a number"), at(100));
  EXPECT_TRUE(run(100, 1000).empty());
  EXPECT_NE(generator_.problem().find("rate has to be"), std::string::npos);
  generator_.want(wanted(100), at(1000));
  EXPECT_EQ(run(1000, 1100).size(), 10U);
  EXPECT_EQ(generator_.problem(), "");
}

TEST_F(GeneratorTest, ResultsOfItsOwnRunAreCountedByTheirEnd) {
  generator_.want(wanted(10), at(0));
  const std::vector<core::Transfer> made = run(0, 1000);
  ASSERT_EQ(made.size(), 10U);
  generator_.take(result_of(made[0], core::Refusal::none), at(50).us);
  generator_.take(result_of(made[1], core::Refusal::account_not_found), at(150).us);
  core::PaymentOutcome rejected;
  rejected.payment = made[2].payment;
  rejected.status = core::PaymentStatus::rejected;
  generator_.take(core::Outcome(rejected));
  core::Transfer foreign = made[3];
  foreign.payment = core::PaymentId(new_uuid_v7());
  generator_.take(result_of(foreign, core::Refusal::none), at(150).us);
  EXPECT_EQ(generator_.answered(), 3U);
  EXPECT_TRUE(says(R"("confirmed": 1)")) << report();
  EXPECT_TRUE(says(R"("failed": {"account_not_found": 1})")) << report();
  EXPECT_TRUE(says(R"("rejected": 1)")) << report();
  EXPECT_TRUE(says(R"("unanswered": 7)")) << report();
  EXPECT_TRUE(says(R"("latency_ms": {"count": 2, "min": 49.9)")) << report();
}

TEST_F(GeneratorTest, AnotherMixIsANewRunAndTheSameSeedMakesTheSamePayments) {
  generator_.want(wanted(10), at(0));
  const std::vector<core::Transfer> first = run(0, 1000);
  tool::LoadState other = wanted(10);
  other.mix.seed = 7;
  generator_.want(other, at(1000));
  EXPECT_NE(run(1000, 2000)[0].amount, first[0].amount);
  generator_.want(wanted(10), at(2000));
  const std::vector<core::Transfer> again = run(2000, 3000);
  ASSERT_EQ(again.size(), first.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(again[i].amount, first[i].amount);
    EXPECT_EQ(again[i].from, first[i].from);
    EXPECT_NE(again[i].payment, first[i].payment);
  }
  generator_.take(result_of(first[0], core::Refusal::none), at(3000).us);
  EXPECT_EQ(generator_.answered(), 0U) << "a result of an earlier run";
}

TEST_F(GeneratorTest, AfterAStandstillItGoesOnInsteadOfCatchingUp) {
  generator_.want(wanted(100), at(0));
  EXPECT_EQ(run(0, 1000).size(), 100U);
  EXPECT_EQ(run(61'000, 62'000).size(), 100U);
  EXPECT_TRUE(says(R"("skipped": 6000)")) << report();
}

}  // namespace
}  // namespace kpay::load
