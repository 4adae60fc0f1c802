// The ledger and the books by themselves: what is lost, overdrawn, or not what a row says.
#include "audit/ledger.h"

#include <gtest/gtest.h>

#include "core/make.h"
#include "stages/codecs.h"
#include "stream/changelog.h"

namespace kpay::audit {
namespace {

using testing::account;
using testing::eur;

// One partition: each event stands at the next offset of its topic.
class LedgerTest : public ::testing::Test {
 protected:
  void command(const core::Command& command) {
    ledger_.take_command({Topic::incoming, 0, incoming_++, 0}, commands_.encode(command));
  }
  // What intake or account say about the event at `offset` of their input.
  void leg(std::uint16_t stage, std::int64_t offset, const core::InflightEvent& event) {
    ledger_.take_leg({Topic::inflight, 0, inflight_++, 0}, {}, cause(stage, offset),
                     legs_.encode(event));
  }
  void outcome(std::uint16_t stage, std::int64_t offset, const core::Outcome& outcome) {
    ledger_.take_outcome({Topic::complete, 0, complete_++, 0}, cause(stage, offset),
                         outcomes_.encode(outcome));
  }
  static Cause cause(std::uint16_t stage, std::int64_t offset) {
    return {stage, {input_of(stage), 0, offset, 0}};
  }
  void open(std::uint32_t n, std::string_view name, std::int64_t minor) {
    const core::OpenAccount open = testing::open(n, name, minor);
    command(open);
    leg(stages::kIntake, incoming_ - 1, open);
    outcome(stages::kAccount, inflight_ - 1,
            core::CommandOutcome{open.command, open.account, core::CommandKind::open_account,
                                 core::CommandStatus::done, core::Refusal::none});
  }
  // Up to the credit leg, which waits.
  core::Transfer debited(std::uint32_t n, std::int64_t minor) {
    const core::Transfer transfer = testing::transfer(n, minor);
    command(core::SubmitPayment{transfer});
    leg(stages::kIntake, incoming_ - 1, core::DebitLeg{transfer});
    leg(stages::kAccount, inflight_ - 1, core::CreditLeg{transfer});
    return transfer;
  }
  void pass_all() { ledger_.pass(stages::kAccount, 0, inflight_, false); }
  static void put(Bytes& rows, std::string_view name, std::int64_t balance) {
    Bytes value;
    ByteWriter out(value);
    stages::RowCodec<stages::AccountKey, core::AccountRow>::encode(testing::account_row(balance),
                                                                   out);
    ByteWriter row(rows);
    stream::put_row(row, 0, account(name).view(), ByteView(value));
  }
  CurrencyBooks& books() { return ledger_.books().of(testing::currency("EUR")); }
  const Finding& only(FindingKind kind) {
    EXPECT_EQ(findings_.total(), 1U);
    EXPECT_EQ(findings_.count(kind), 1U) << to_string(kind);
    static const Finding none;
    return findings_.first().empty() ? none : findings_.first().front();
  }

  Findings findings_;
  Ledger ledger_{1, findings_};
  std::int64_t incoming_ = 0;
  std::int64_t inflight_ = 0;
  std::int64_t complete_ = 0;
  wire::CommandCodec commands_;
  wire::InflightCodec legs_;
  wire::OutcomeCodec outcomes_;
};

TEST_F(LedgerTest, MoneyIsAlwaysInOnePlace) {
  open(1, "alice", 1000);
  open(2, "bob", 0);
  EXPECT_EQ(to_string(books().outside()), "1000");
  const core::Transfer transfer = debited(3, 400);
  EXPECT_EQ(to_string(books().balances), "600");
  EXPECT_EQ(to_string(books().between.value), "400");
  EXPECT_TRUE(books().conserved());
  outcome(stages::kAccount, inflight_ - 1, core::completed(transfer));
  EXPECT_EQ(to_string(books().balances), "1000");
  EXPECT_TRUE(books().conserved());
  pass_all();
  EXPECT_EQ(findings_.total(), 0U);
}

TEST_F(LedgerTest, R25ARefundIsBackOnItsAccount) {
  open(1, "alice", 1000);
  core::Transfer transfer = debited(3, 400);
  leg(stages::kAccount, inflight_ - 1, core::RefundLeg{transfer, core::Refusal::account_not_found});
  outcome(stages::kAccount, inflight_ - 1,
          core::failed(transfer, core::Refusal::account_not_found, true));
  pass_all();
  EXPECT_EQ(to_string(books().balances), "1000");
  EXPECT_EQ(to_string(books().suspense), "0");
  EXPECT_EQ(books().refunded.count, 1U);
  EXPECT_EQ(findings_.total(), 0U);
}

TEST_F(LedgerTest, AnEventThatWasProcessedWithoutAConsequenceIsLost) {
  open(1, "alice", 1000);
  const core::Transfer transfer = debited(3, 400);
  pass_all();
  const Finding& finding = only(FindingKind::lost);
  EXPECT_EQ(finding.subject, transfer.payment.value());
  EXPECT_EQ(finding.place, (Place{Topic::inflight, 0, inflight_ - 1, 0}));
}

TEST_F(LedgerTest, ACommandWithoutAConsequenceIsARepeatUnlessSomethingIsMissing) {
  command(testing::submit(3));
  ledger_.pass(stages::kIntake, 0, incoming_, false);
  EXPECT_EQ(ledger_.duplicates(), 1U);
  EXPECT_EQ(findings_.total(), 0U);
  command(testing::submit(4));
  ledger_.pass(stages::kIntake, 0, incoming_, true);
  EXPECT_EQ(only(FindingKind::lost).subject, testing::id(4));
}

TEST_F(LedgerTest, ASecondOutcomeIsNamed) {
  open(1, "alice", 1000);
  open(2, "bob", 0);
  const core::Transfer transfer = debited(3, 400);
  outcome(stages::kAccount, inflight_ - 1, core::completed(transfer));
  outcome(stages::kAccount, inflight_ - 1,
          core::failed(transfer, core::Refusal::account_closed, true));
  EXPECT_EQ(only(FindingKind::second).subject, transfer.payment.value());
}

TEST_F(LedgerTest, ABalanceBelowZeroIsNamed) {
  open(1, "alice", 100);
  debited(3, 400);
  ledger_.post_until(0, inflight_);
  EXPECT_EQ(only(FindingKind::overdraft).subject, testing::id(3));
}

TEST_F(LedgerTest, ARowThatIsNotWhatItsPostingsMakeIsNamedOnce) {
  open(1, "alice", 1000);
  pass_all();
  Bytes rows;
  put(rows, "alice", 1001);
  const Place marker{Topic::account_changelog, 0, 7, 0};
  ledger_.books().compare(0, rows, true, marker);
  ledger_.books().compare(0, rows, true, marker);
  const Finding& finding = only(FindingKind::balance);
  EXPECT_EQ(finding.place, marker);
  EXPECT_NE(finding.expected.find("alice"), std::string::npos);
  EXPECT_EQ(to_string(books().inside() - books().outside()), "1");
}

TEST_F(LedgerTest, AnAccountThatWasPostedToHasToHaveARow) {
  open(1, "alice", 1000);
  pass_all();
  ledger_.books().compare(0, {}, true, {Topic::account_changelog, 0, 7, 0});
  only(FindingKind::balance);
}

TEST_F(LedgerTest, R24AnOpenDeadLetterIsMoneyUntilItIsClosed) {
  open(1, "alice", 1000);
  debited(3, 400);
  stream::DeadLetter letter;
  letter.origin = {{}, 0, inflight_ - 1, 0};
  letter.reason = 101;
  ledger_.take_letter({Topic::letters, 0, 0, 0}, cause(stages::kAccount, inflight_ - 1),
                      encode(letter));
  EXPECT_EQ(to_string(books().dead_letters.value), "400");
  EXPECT_EQ(books().between.count, 0U);
  EXPECT_TRUE(books().conserved());
  stream::OperatorAnswer answer;
  answer.record.what = stream::DiscardLetter{{inflight_ - 1, 0}, {}};
  ledger_.take_letter({Topic::letters, 0, 1, 0}, cause(stages::kAccount, inflight_),
                      encode(answer));
  EXPECT_EQ(ledger_.open_letters(), 0U);
  EXPECT_EQ(to_string(books().discarded.value), "400");
  EXPECT_TRUE(books().conserved());
  EXPECT_EQ(findings_.total(), 0U);
}

}  // namespace
}  // namespace kpay::audit
