#include "daemons/ctl/books.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kpay::ctl {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const core::Currency kEur = *core::Currency::parse("EUR");
constexpr std::int64_t kOpening = 10'000;

core::AccountId account(const char* text) { return *core::AccountId::parse(text); }
Uuid id(std::uint8_t number) {
  Uuid uuid;
  uuid.bytes[15] = number;
  return uuid;
}

// A log in which every stage has processed everything: alice and bob, 100.00 EUR each.
class BooksTest : public ::testing::Test {
 protected:
  static constexpr std::int64_t kEnd = 1000;

  BooksTest() : books_({{kEnd}, {kEnd}, {kEnd}}) {
    open("alice", 201);
    open("bob", 202);
  }

  void open(const char* name, std::uint8_t number) {
    const core::CommandId command(id(number));
    books_.take_event(0, next_++, core::OpenAccount{command, account(name), {kOpening, kEur}});
    books_.take_outcome(
        0, next_++,
        core::CommandOutcome{command, account(name), core::CommandKind::open_account,
                             core::CommandStatus::done, core::Refusal::none});
  }
  static core::Transfer transfer(std::uint8_t number, std::int64_t minor = 100) {
    return {core::PaymentId(id(number)), account("alice"), account("bob"), {minor, kEur}, {}, {}};
  }
  void submit(const core::Transfer& t) { books_.take_command(0, next_++, core::SubmitPayment{t}); }
  void debit(const core::Transfer& t) { books_.take_event(0, next_++, core::DebitLeg{t}); }
  void credit(const core::Transfer& t) { books_.take_event(0, next_++, core::CreditLeg{t}); }
  void refund(const core::Transfer& t) {
    books_.take_event(0, next_++, core::RefundLeg{t, core::Refusal::account_closed});
  }
  void complete(const core::Transfer& t) { books_.take_outcome(0, next_++, core::completed(t)); }
  void fail(const core::Transfer& t, bool opened) {
    books_.take_outcome(0, next_++, core::failed(t, core::Refusal::account_closed, opened));
  }
  void result(const core::Transfer& t, bool confirmed) {
    core::PaymentResult result;
    result.payment = t.payment;
    result.confirmed = confirmed;
    result.amount = t.amount;
    result.from = t.from;
    result.to = t.to;
    books_.take_result(result);
  }
  /// All that a payment leaves behind when it goes well.
  void pay(const core::Transfer& t) {
    submit(t);
    debit(t);
    credit(t);
    complete(t);
    result(t, true);
  }
  BooksReport close(std::int64_t alice, std::int64_t bob) {
    for (const auto& [name, balance] : {std::pair("alice", alice), std::pair("bob", bob)}) {
      core::AccountRow row;
      row.currency = kEur;
      row.balance = core::Sum(balance);
      row.opening = core::Sum(kOpening);
      books_.take_account(account(name), row);
    }
    return books_.close();
  }

  Books books_;
  std::int64_t next_ = 0;
};

TEST_F(BooksTest, PaymentsThatWentWellBalance) {
  pay(transfer(1));
  pay(transfer(2, 50));
  const BooksReport report = close(kOpening - 150, kOpening + 150);
  EXPECT_THAT(report.first, IsEmpty());
  EXPECT_TRUE(report.right());
  EXPECT_TRUE(report.idle());
  const CurrencyBooks& eur = report.currencies.at("EUR");
  EXPECT_EQ(eur.accepted, (core::Tally{2, core::Sum(150)}));
  EXPECT_EQ(eur.completed, eur.accepted);
  EXPECT_EQ(eur.accounts, 2U);
  EXPECT_EQ(eur.in_transit, core::Sum{});
}

TEST_F(BooksTest, ARefundComesBackAndARefusalMovesNothing) {
  const core::Transfer back = transfer(1);
  submit(back);
  debit(back);
  credit(back);
  refund(back);
  fail(back, true);
  result(back, false);
  const core::Transfer refused = transfer(2);
  submit(refused);
  fail(refused, false);
  result(refused, false);
  const core::Transfer poor = transfer(3);
  submit(poor);
  debit(poor);
  fail(poor, true);
  result(poor, false);
  const BooksReport report = close(kOpening, kOpening);
  EXPECT_THAT(report.first, IsEmpty());
  EXPECT_TRUE(report.right());
  EXPECT_EQ(report.currencies.at("EUR").failed.count, 2U);
  EXPECT_EQ(report.currencies.at("EUR").refused.count, 1U);
}

TEST_F(BooksTest, ALostCreditIsNamedByPaymentAndAccount) {
  const core::Transfer t = transfer(1);
  submit(t);
  debit(t);
  credit(t);
  const BooksReport report = close(kOpening - 100, kOpening);
  EXPECT_THAT(report.first, Contains("payment " + to_string(id(1)) +
                                     " is lost: its credit was processed and nothing followed"));
  EXPECT_FALSE(report.right());
}

TEST_F(BooksTest, ABalanceThatMissesItsCreditIsNamed) {
  pay(transfer(1));
  const BooksReport report = close(kOpening - 100, kOpening);
  EXPECT_THAT(report.first, ElementsAre("account bob: the changelog has 10000, the events make "
                                        "10100 (minor units)"));
  EXPECT_FALSE(report.currencies.at("EUR").conserved());
}

TEST_F(BooksTest, ADoubledCreditIsNamed) {
  pay(transfer(1));
  credit(transfer(1));
  const BooksReport report = close(kOpening - 100, kOpening + 200);
  EXPECT_THAT(report.first, Contains("payment " + to_string(id(1)) + " has a second credit leg"));
  EXPECT_THAT(report.first, Contains(HasSubstr("account bob: the changelog has 10200")));
}

TEST_F(BooksTest, AMissingOutcomeIsNamed) {
  const core::Transfer t = transfer(1);
  submit(t);
  debit(t);
  const BooksReport report = close(kOpening, kOpening);
  EXPECT_THAT(report.first, ElementsAre("payment " + to_string(id(1)) +
                                        " is lost: its debit was processed and nothing followed"));
}

TEST_F(BooksTest, ACommandThatVanishedAtIntakeIsNamed) {
  submit(transfer(1));
  EXPECT_THAT(close(kOpening, kOpening).first,
              ElementsAre(HasSubstr("was processed by intake and nothing followed")));
}

TEST_F(BooksTest, TwoEndsAndTwoResultsAreNamed) {
  pay(transfer(1));
  fail(transfer(1), true);
  result(transfer(1), false);
  const BooksReport report = close(kOpening - 100, kOpening + 100);
  EXPECT_THAT(report.first, Contains(HasSubstr("has two ends: completed and failed")));
  EXPECT_THAT(report.first, Contains(HasSubstr("has two public results")));
}

TEST_F(BooksTest, AResultThatNeverCameIsNamed) {
  const core::Transfer t = transfer(1);
  submit(t);
  debit(t);
  credit(t);
  complete(t);
  EXPECT_THAT(close(kOpening - 100, kOpening + 100).first,
              ElementsAre(HasSubstr("its public result is missing")));
}

TEST_F(BooksTest, ALegWithoutACommandIsNamed) {
  const core::Transfer t = transfer(1);
  debit(t);
  credit(t);
  complete(t);
  result(t, true);
  EXPECT_THAT(close(kOpening - 100, kOpening + 100).first,
              ElementsAre(HasSubstr("has a debit leg and no command")));
}

TEST_F(BooksTest, ALegOfAnotherAmountIsNamed) {
  submit(transfer(1, 100));
  debit(transfer(1, 900));
  EXPECT_THAT(close(kOpening, kOpening).first,
              Contains(HasSubstr("its debit leg differs from what was said before")));
}

TEST_F(BooksTest, ACommandRepeatedOrInConflictChangesNothing) {
  pay(transfer(1));
  submit(transfer(1));
  submit(transfer(1, 777));
  books_.take_outcome(
      0, next_++, core::rejected(transfer(1, 777), core::Refusal::exists_with_different_content));
  const BooksReport report = close(kOpening - 100, kOpening + 100);
  EXPECT_THAT(report.first, IsEmpty());
  EXPECT_TRUE(report.idle());
  EXPECT_EQ(report.currencies.at("EUR").accepted.count, 1U);
  EXPECT_EQ(report.currencies.at("EUR").rejected, 1U);
}

TEST_F(BooksTest, AnAccountThatNobodyOpenedIsNamed) {
  core::AccountRow row;
  row.currency = kEur;
  row.balance = core::Sum(5);
  books_.take_account(account("ghost"), row);
  const BooksReport report = close(kOpening, kOpening);
  EXPECT_THAT(report.first, ElementsAre("account ghost is in the changelog and was never opened"));
  EXPECT_FALSE(report.currencies.at("EUR").conserved());
}

// What lies after the cut may still be on its way: no difference, and not idle.
// R23, R24: an event that was put aside has no consequence, and its money isn't gone.
TEST_F(BooksTest, ALegThatWasPutAsideIsMoneyInTransitAndNoDifference) {
  submit(transfer(1));
  debit(transfer(1));
  books_.take_event(0, next_++, core::CreditLeg{transfer(1)}, true);
  const BooksReport report = close(kOpening - 100, kOpening);
  EXPECT_TRUE(report.right());
  EXPECT_TRUE(report.idle()) << "nothing will come of it by itself";
  EXPECT_EQ(report.put_aside, 1U);
  EXPECT_EQ(report.currencies.at("EUR").in_transit, core::Sum(100));
  EXPECT_EQ(report.currencies.at("EUR").in_flight.count, 1U);
}

TEST_F(BooksTest, AReplayOfWhatWasPutAsideCountsOnce) {
  submit(transfer(1));
  debit(transfer(1));
  books_.take_event(0, next_++, core::CreditLeg{transfer(1)}, true);
  credit(transfer(1));  // by the operator's record
  complete(transfer(1));
  result(transfer(1), true);
  const BooksReport report = close(kOpening - 100, kOpening + 100);
  EXPECT_TRUE(report.right());
  EXPECT_EQ(report.put_aside, 0U);
}

TEST_F(BooksTest, AnOutcomeThatWasPutAsideHasNoPublicResult) {
  submit(transfer(1));
  debit(transfer(1));
  credit(transfer(1));
  books_.take_outcome(0, next_++, core::completed(transfer(1)), true);
  const BooksReport report = close(kOpening - 100, kOpening + 100);
  EXPECT_TRUE(report.right());
  EXPECT_TRUE(report.idle());
  EXPECT_EQ(report.put_aside, 1U);
}

TEST_F(BooksTest, AnAccountCommandThatWasPutAsideIsNotLost) {
  books_.take_event(0, next_++, core::Deposit{core::CommandId(id(9)), account("bob"), {70, kEur}},
                    true);
  const BooksReport report = close(kOpening, kOpening);
  EXPECT_TRUE(report.right());
  EXPECT_TRUE(report.idle());
  EXPECT_EQ(report.put_aside, 1U);
}

TEST(BooksOfAMovingSystem, WaitsForWhatIsOnItsWay) {
  Books books({{1}, {0}, {0}});
  const core::Transfer t{
      core::PaymentId(id(1)), account("alice"), account("bob"), {100, kEur}, {}, {}};
  const core::Transfer later{
      core::PaymentId(id(2)), account("alice"), account("bob"), {100, kEur}, {}, {}};
  books.take_command(0, 0, core::SubmitPayment{t});
  books.take_command(0, 1, core::SubmitPayment{later});
  books.take_event(0, 0, core::DebitLeg{t});
  const BooksReport report = books.close();
  EXPECT_THAT(report.first, IsEmpty());
  EXPECT_EQ(report.waiting, 1U);
  EXPECT_EQ(report.in_flight, 1U);
  EXPECT_EQ(report.unprocessed, 1U);
  EXPECT_FALSE(report.idle());
  EXPECT_TRUE(report.right());
}

// The credit's partition has checkpointed it, the debit's has not yet: money in transit is less
// than nothing, and the sum still holds.
TEST(BooksOfAMovingSystem, IsConservedAtACutBetweenTwoPartitions) {
  Books books({{10}, {0, 10}, {0, 0}});
  const core::Transfer t{
      core::PaymentId(id(1)), account("alice"), account("bob"), {100, kEur}, {}, {}};
  const core::CommandId command(id(201));
  books.take_command(0, 0, core::SubmitPayment{t});
  books.take_event(1, 0, core::OpenAccount{command, account("bob"), {kOpening, kEur}});
  books.take_event(0, 5, core::DebitLeg{t});
  books.take_event(1, 5, core::CreditLeg{t});
  books.take_outcome(0, 0,
                     core::CommandOutcome{command, account("bob"), core::CommandKind::open_account,
                                          core::CommandStatus::done, core::Refusal::none});
  books.take_outcome(0, 1, core::completed(t));
  core::AccountRow row;
  row.currency = kEur;
  row.balance = core::Sum(kOpening + 100);
  row.opening = core::Sum(kOpening);
  books.take_account(account("bob"), row);
  const BooksReport report = books.close();
  EXPECT_THAT(report.first, IsEmpty());
  EXPECT_TRUE(report.right());
  EXPECT_EQ(report.currencies.at("EUR").in_transit, core::Sum(-100));
}

}  // namespace
}  // namespace kpay::ctl
