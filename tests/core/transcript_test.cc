// The golden transcript of the core: what it decides for a fixed script. The logic version stands
// in its first line and changes exactly when the rest does (R21).
#include <gtest/gtest.h>

#include <sstream>

#include "core/logic.h"
#include "core/world.h"
#include "golden/golden.h"

namespace kpay::core {
namespace {

using testing::World;

constexpr const char* kFile = "core_transcript.txt";

const char* text(Verdict verdict) {
  switch (verdict) {
    case Verdict::duplicate: return "duplicate";
    case Verdict::rejected: return "rejected";
    case Verdict::refused: return "refused";
    case Verdict::accepted: return "accepted";
  }
  return "?";
}

const char* text(Posting posting) {
  switch (posting) {
    case Posting::none: return "none";
    case Posting::open: return "open";
    case Posting::deposit: return "deposit";
    case Posting::debit: return "debit";
    case Posting::credit: return "credit";
    case Posting::refund: return "refund";
    case Posting::refund_to_suspense: return "refund_to_suspense";
    case Posting::close: return "close";
  }
  return "?";
}

class Teller {
 public:
  void tell(const char* what, const Command& command) {
    const IntakeEffects effects = world_.command(command);
    out_ << what << "\n  intake " << text(effects.verdict) << " " << to_string(effects.refusal)
         << " " << effects.currency.text() << " " << effects.value << " content "
         << to_string(effects.remembered.content) << "\n";
    while (!world_.inflight.empty()) {
      const AccountEffects posted = world_.post(0);
      out_ << "  account " << posted.account.text() << " " << text(posted.posting) << " "
           << format_amount(posted.amount) << " " << posted.amount.currency.text() << " "
           << to_string(posted.refusal) << "\n";
    }
    while (!world_.outcomes.empty()) {
      tell(world_.finish());
    }
  }

  void later(std::int64_t ms) {
    world_.now.ms += ms;
    out_ << "+" << ms << " ms\n";
  }

  std::string end() {
    for (const auto& [id, row] : world_.accounts) {
      out_ << "balance " << id.text() << " " << to_string(row.balance) << " " << row.currency.text()
           << (row.state == AccountState::open ? " open" : " closed") << " version " << row.version
           << "\n";
    }
    for (const auto& [day, row] : world_.days) {
      out_ << "day " << day.first << " " << day.second.text() << " confirmed "
           << row.confirmed.count << " " << to_string(row.confirmed.value) << " failed "
           << row.failed.count << " " << to_string(row.failed.value) << "\n";
    }
    for (const auto& [minute, row] : world_.windows) {
      out_ << "window " << minute << " completed " << row.latency_ms.count() << " p99 "
           << row.latency_ms.percentile(990) << " failed " << row.failed << "\n";
    }
    return out_.str();
  }

 private:
  void tell(const Outcome& outcome) {
    if (const auto* payment = std::get_if<PaymentOutcome>(&outcome)) {
      out_ << "  outcome payment " << to_string(payment->status) << " "
           << to_string(payment->refusal) << (payment->opened ? " opened" : "") << "\n";
    } else {
      const auto& command = std::get<CommandOutcome>(outcome);
      out_ << "  outcome " << to_string(command.kind) << " " << to_string(command.status) << " "
           << to_string(command.refusal) << "\n";
    }
  }

  World world_;
  std::ostringstream out_;
};

void tell_accounts(Teller& teller) {
  teller.tell("open alice", testing::open(1, "alice", 100'000));
  teller.tell("open bob", testing::open(2, "bob", 0));
  teller.tell("open bob again", testing::open(3, "bob", 5));
  teller.tell("open suspense", testing::open(4, "suspense:EUR", 5));
  teller.tell("open below zero", testing::open(5, "carol", -1));
  teller.tell("open full", testing::open(6, "full", kAmountMax));
  for (std::uint32_t i = 0; i < 9; ++i) {
    teller.tell("fill full", testing::deposit(100 + i, "full", kAmountMax));
  }
  teller.tell("deposit", testing::deposit(7, "bob", 250));
  teller.tell("deposit again", testing::deposit(7, "bob", 250));
  teller.tell("deposit, other content", testing::deposit(7, "bob", 251));
  teller.tell("deposit nothing", testing::deposit(8, "bob", 0));
  teller.tell("deposit to nobody", testing::deposit(9, "nobody", 1));
}

void tell_payments(Teller& teller) {
  teller.tell("pay", testing::submit(20));
  teller.tell("pay again", testing::submit(20));
  teller.tell("pay, other content", testing::submit(20, 1235));
  teller.tell("pay too much", testing::submit(21, 100'001));
  teller.tell("pay oneself", testing::submit(22, 5, "alice", "alice"));
  teller.tell("pay nothing", testing::submit(23, 0));
  teller.tell("pay beyond the limit", testing::submit(24, kAmountMax + 1));
  teller.tell("pay nobody", testing::submit(25, 300, "alice", "nobody"));
  teller.tell("pay from nobody", testing::submit(26, 300, "nobody", "alice"));
  teller.tell("pay suspense", testing::submit(27, 300, "alice", "suspense:EUR"));
  SubmitPayment odd = testing::submit(28);
  odd.transfer.amount.currency = testing::currency("ZZZ");
  teller.tell("pay in no currency", odd);
  odd = testing::submit(29);
  odd.transfer.amount.currency = testing::currency("USD");
  teller.tell("pay in another currency", odd);
  odd = testing::submit(30);
  odd.transfer.payment = PaymentId(Uuid{});
  teller.tell("pay with a nil id", odd);
  teller.later(testing::kHour * 13);
  teller.tell("pay with an old id", testing::submit(31));
  teller.tell("pay again, late", testing::submit(20));
}

void tell_closing(Teller& teller) {
  const auto late = [](std::uint32_t n) {
    return CommandId(testing::id(n, {testing::kNow.ms + 13 * testing::kHour}));
  };
  teller.tell("close bob with money", CloseAccount{late(40), testing::account("bob")});
  teller.tell("open dave", OpenAccount{late(41), testing::account("dave"), testing::eur(0)});
  teller.tell("close dave", CloseAccount{late(42), testing::account("dave")});
  SubmitPayment submit = testing::submit(43, 700, "alice", "dave");
  submit.transfer.payment = PaymentId(late(43).value());
  teller.tell("pay dave", submit);
  teller.tell("close nobody", CloseAccount{late(44), testing::account("nobody")});
}

std::string body_of(const std::string& transcript) {
  return transcript.substr(std::min(transcript.find('\n'), transcript.size()));
}

TEST(Transcript, R21_The_logic_version_changes_exactly_when_the_transcript_does) {
  Teller teller;
  tell_accounts(teller);
  tell_payments(teller);
  tell_closing(teller);
  const std::string transcript =
      "logic version " + std::to_string(kLogic.version) + "\n" + teller.end();
  const std::optional<std::string> golden = testing::read_golden(kFile);
  if (golden && *golden != transcript) {
    const bool same_version =
        golden->substr(0, golden->find('\n')) == transcript.substr(0, transcript.find('\n'));
    ASSERT_FALSE(same_version) << "the core decides otherwise than before: raise kLogicVersion\n"
                               << transcript;
    ASSERT_NE(body_of(*golden), body_of(transcript))
        << "kLogicVersion was raised, but the core decides as before";
  }
  testing::expect_golden(kFile, transcript);
  EXPECT_EQ(to_string(kLogic.rules_hash), to_string(hash128(as_bytes(body_of(transcript)))))
      << "the hash of what this version does, in core/logic.h";
}

}  // namespace
}  // namespace kpay::core
