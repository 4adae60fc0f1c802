#include "core/account.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "core/make.h"

namespace kpay::core {
namespace {

const Transfer kTransfer = testing::transfer(1, 300);

const PaymentOutcome& payment_in(const AccountEffects& effects) {
  return std::get<PaymentOutcome>(std::get<Outcome>(effects.out));
}
const CommandOutcome& command_in(const AccountEffects& effects) {
  return std::get<CommandOutcome>(std::get<Outcome>(effects.out));
}

TEST(Account, A_debit_takes_the_money_and_sends_the_credit) {
  AccountRow row = testing::account_row(300);
  const AccountEffects effects = decide({&row}, DebitLeg{kTransfer});
  EXPECT_EQ(effects.account, kTransfer.from);
  EXPECT_EQ(std::get<InflightEvent>(effects.out), InflightEvent(CreditLeg{kTransfer}));
  evolve(row, effects);
  EXPECT_EQ(row.balance, Sum(0));
  EXPECT_EQ(row.version, 2U);
}

TEST(Account, A_refused_debit_fails_the_payment_and_changes_no_row) {
  const AccountRow row = testing::account_row(299);
  const AccountEffects effects = decide({&row}, DebitLeg{kTransfer});
  EXPECT_EQ(effects.posting, Posting::none);
  EXPECT_EQ(payment_in(effects), failed(kTransfer, Refusal::exceeds_balance, true));
}

TEST(Account, A_credit_gives_the_money_and_completes_the_payment) {
  AccountRow row = testing::account_row(0);
  const AccountEffects effects = decide({&row}, CreditLeg{kTransfer});
  EXPECT_EQ(effects.account, kTransfer.to);
  EXPECT_EQ(payment_in(effects), completed(kTransfer));
  evolve(row, effects);
  EXPECT_EQ(row.balance, Sum(300));
}

TEST(Account, A_refused_credit_becomes_a_refund_that_carries_the_reason) {
  const AccountEffects effects = decide({}, CreditLeg{kTransfer});
  EXPECT_EQ(effects.posting, Posting::none);
  EXPECT_EQ(std::get<InflightEvent>(effects.out),
            InflightEvent(RefundLeg{kTransfer, Refusal::account_not_found}));
}

TEST(Account, R25_A_refund_is_credited_whatever_the_state_of_the_account) {
  for (const AccountState state : {AccountState::open, AccountState::closed}) {
    AccountRow row = testing::account_row(0);
    row.state = state;
    const AccountEffects effects = decide({&row}, RefundLeg{kTransfer, Refusal::account_closed});
    EXPECT_EQ(effects.posting, Posting::refund);
    EXPECT_EQ(payment_in(effects), failed(kTransfer, Refusal::account_closed, true));
    evolve(row, effects);
    EXPECT_EQ(row.balance, Sum(300));
    EXPECT_EQ(row.state, state);
  }
}

TEST(Account, R25_A_refund_that_its_account_cant_take_goes_to_suspense) {
  AccountRow full = testing::account_row(kBalanceMax);
  AccountRow dollars = testing::account_row(0);
  dollars.currency = testing::currency("USD");
  for (const AccountRow* row : std::initializer_list<const AccountRow*>{nullptr, &full, &dollars}) {
    const AccountEffects effects = decide({row}, RefundLeg{kTransfer, Refusal::account_closed});
    EXPECT_EQ(effects.posting, Posting::refund_to_suspense);
    EXPECT_EQ(effects.account, AccountId::suspense(kTransfer.amount.currency));
    EXPECT_EQ(payment_in(effects), failed(kTransfer, Refusal::account_closed, true));
  }
}

TEST(Account, R25_A_suspense_account_has_no_limit) {
  AccountRow row;
  Transfer large = kTransfer;
  large.amount.minor = kAmountMax;
  const AccountEffects effects = decide({}, RefundLeg{large, Refusal::account_not_found});
  for (int i = 0; i < 10'000; ++i) {
    evolve(row, effects);
  }
  EXPECT_EQ(to_string(row.balance), "10000000000000000000");
  EXPECT_EQ(row.currency, testing::currency("EUR"));
}

TEST(Account, An_account_opens_once_with_its_opening_balance) {
  const AccountEffects effects = decide({}, testing::open(1, "alice", 700));
  AccountRow row;
  evolve(row, effects);
  EXPECT_EQ(row, testing::account_row(700));
  EXPECT_EQ(command_in(effects).status, CommandStatus::done);
  const AccountEffects again = decide({&row}, testing::open(2, "alice", 700));
  EXPECT_EQ(again.posting, Posting::none);
  EXPECT_EQ(command_in(again).refusal, Refusal::account_exists);
}

TEST(Account, R25_An_account_closes_only_with_a_zero_balance) {
  AccountRow row = testing::account_row(1);
  EXPECT_EQ(command_in(decide({&row}, testing::close(1, "alice"))).refusal,
            Refusal::balance_must_be_zero);
  row.balance = Sum(0);
  const AccountEffects effects = decide({&row}, testing::close(2, "alice"));
  evolve(row, effects);
  EXPECT_EQ(row.state, AccountState::closed);
  EXPECT_EQ(decide({&row}, CreditLeg{kTransfer}).refusal, Refusal::account_closed);
  EXPECT_EQ(decide({&row}, testing::deposit(3, "alice", 5)).refusal, Refusal::account_closed);
}

TEST(Account, Totals_tell_the_sum_of_all_balances) {
  AccountTotals totals;
  evolve(totals, decide({}, testing::open(1, "alice", 700)));
  const AccountRow row = testing::account_row(700);
  evolve(totals, decide({&row}, testing::deposit(2, "alice", 50)));
  evolve(totals, decide({&row}, DebitLeg{kTransfer}));
  evolve(totals, decide({&row}, CreditLeg{kTransfer}));
  evolve(totals, decide({}, RefundLeg{kTransfer, Refusal::account_closed}));
  evolve(totals, decide({}, DebitLeg{kTransfer}));
  const Sum balances = totals.opened.value + totals.deposits.value - totals.debited.value +
                       totals.credited.value + totals.refunded.value;
  EXPECT_EQ(balances, Sum(700 + 50 - 300 + 300 + 300));
  EXPECT_EQ(totals.suspense, (Tally{1, Sum(300)}));
  EXPECT_EQ(totals.refusals.of(Refusal::account_not_found), 1U);
}

}  // namespace
}  // namespace kpay::core
