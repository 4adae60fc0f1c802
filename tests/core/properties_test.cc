// What holds for every sequence of events: random commands, applied in random order, by seed.
#include <gtest/gtest.h>

#include <random>

#include "core/limits.h"
#include "core/world.h"

namespace kpay::core {
namespace {

using testing::World;

class Chance {
 public:
  explicit Chance(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t n) { return random_() % n; }

  // Few accounts, few ids, odd amounts: so that every refusal and every conflict comes up.
  Command command() {
    const Uuid id = testing::id(static_cast<std::uint32_t>(below(4000)));
    const Money amount{minor(),
                       below(8) == 0 ? testing::currency("USD") : testing::currency("EUR")};
    const AccountId account = name();
    switch (below(10)) {
      case 0: return OpenAccount{CommandId(id), account, amount};
      case 1: return Deposit{CommandId(id), account, amount};
      case 2: return CloseAccount{CommandId(id), account};
      default: return SubmitPayment{{PaymentId(id), account, name(), amount, {}, "reference"}};
    }
  }

 private:
  AccountId name() {
    const std::size_t n = below(26);
    return n == 25 ? testing::account("suspense:EUR")
                   : testing::account(std::string(1, static_cast<char>('a' + n)));
  }
  std::int64_t minor() {
    switch (below(12)) {
      case 0: return 0;
      case 1: return -static_cast<std::int64_t>(below(100));
      case 2: return kAmountMax;
      case 3: return kAmountMax + 1;
      default: return static_cast<std::int64_t>(below(1000));
    }
  }

  std::mt19937_64 random_;
};

void expect_conserved(World& world) {
  for (const char* text : {"EUR", "USD"}) {
    const Currency currency = testing::currency(text);
    const AccountTotals& totals = world.account[currency];
    ASSERT_EQ(world.balances(currency) + world.between(currency),
              totals.opened.value + totals.deposits.value);
    ASSERT_EQ(world.balances(currency), totals.opened.value + totals.deposits.value -
                                            totals.debited.value + totals.credited.value +
                                            totals.refunded.value);
    const IntakeTotals& intake = world.intake[currency];
    ASSERT_EQ(intake.accepted.value, intake.opened.value + intake.refused.value);
  }
  for (const auto& [id, row] : world.accounts) {
    ASSERT_GE(row.balance, Sum{}) << id.text();
    ASSERT_TRUE(id.reserved() || row.balance <= Sum(kBalanceMax)) << id.text();
  }
}

void expect_all_closed(World& world) {
  std::uint64_t rejected_at_intake = 0;
  std::uint64_t rejected = 0;
  for (const auto& [currency, intake] : world.intake) {
    const SettleTotals& settle = world.settle[currency];
    EXPECT_EQ(intake.opened, settle.closed) << currency.text();
    EXPECT_EQ(intake.refused, settle.failed_at_intake);
    EXPECT_EQ(settle.repeated, 0U);
    rejected_at_intake += intake.rejected;
    rejected += settle.rejected;
  }
  EXPECT_EQ(rejected_at_intake, rejected);
}

TEST(Properties, Money_is_conserved_at_every_step_and_no_balance_is_negative) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    SCOPED_TRACE(seed);
    Chance chance(seed);
    World world;
    for (int step = 0; step < 6000; ++step) {
      if (world.inflight.empty() || chance.below(3) == 0) {
        world.command(chance.command());
      } else {
        world.post(chance.below(world.inflight.size()));
      }
      if (!world.outcomes.empty() && chance.below(2) == 0) {
        world.finish();
      }
      ASSERT_NO_FATAL_FAILURE(expect_conserved(world));
    }
    world.run();
    expect_conserved(world);
    expect_all_closed(world);
  }
}

TEST(Properties, R12_A_command_applied_twice_does_nothing_new) {
  Chance chance(11);
  World world;
  for (int step = 0; step < 800; ++step) {
    const Command command = chance.command();
    world.command(command);
    world.run();
    const auto accounts = world.accounts;
    const auto payments = world.payments;
    const auto ids = world.ids;
    const auto effects = world.command(command);
    ASSERT_TRUE(effects.verdict == Verdict::duplicate || effects.verdict == Verdict::rejected);
    world.run();
    ASSERT_EQ(world.accounts, accounts);
    ASSERT_EQ(world.payments, payments);
    ASSERT_EQ(world.ids, ids);
  }
}

TEST(Properties, R2_The_same_events_give_the_same_state) {
  World worlds[2];
  for (World& world : worlds) {
    Chance chance(12);
    for (int step = 0; step < 3000; ++step) {
      world.command(chance.command());
      world.run();
    }
  }
  EXPECT_EQ(worlds[0].accounts, worlds[1].accounts);
  EXPECT_EQ(worlds[0].payments, worlds[1].payments);
  EXPECT_EQ(worlds[0].intake, worlds[1].intake);
  EXPECT_EQ(worlds[0].windows, worlds[1].windows);
}

}  // namespace
}  // namespace kpay::core
