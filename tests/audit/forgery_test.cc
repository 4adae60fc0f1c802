// What somebody forges, drops, doubles or alters on an internal topic is named, with its place.
#include "audit/auditor.h"
#include "audit/pipeline.h"
#include "stream/topics.h"

namespace kpay::audit {
namespace {

// What the log says of one sender on one partition: where its next event goes on.
struct Pen {
  stream::SenderId sender;
  Uuid lineage;
  Uuid cause_topic;
  stream::Sequence sequence;
};

class Forgery : public ::testing::Test {
 protected:
  // Some payments that have ended, and the tasks still run.
  void settle_some() {
    process_ = run_.driver().start("a");
    for (int i = 0; i < 4; ++i) {
      run_.some(30);
      run_.advance(700);
    }
    run_.advance(3000);
  }
  void go_on() {
    run_.some(30);
    run_.advance(5000);
  }

  Pen pen(std::uint16_t stage, std::int32_t from, const char* topic, std::int32_t to) {
    const test::ReceivedTopic received = run_.driver().received(topic);
    const auto seen = received.seen.find({to, {stage, from}});
    const auto input = stage == stages::kIntake ? stages::kTopicIncoming : stages::kTopicInflight;
    return {{stage, from},
            run_.driver().genesis("account").identity.lineage,
            run_.driver().topics().id(run_.driver().topics().index_of(input)),
            seen == received.seen.end() ? stream::Sequence{} : seen->second};
  }
  // A frame of one event, in the numbers and the hash of its pen.
  Bytes frame(Pen& pen, std::int64_t cause_offset, const Uuid& subject, ByteView payload) {
    stream::FrameBuilder builder;
    builder.add({static_cast<std::uint32_t>(payload.size()), 0, cause_offset,
                 run_.driver().log_time(), subject},
                payload, pen.sequence);
    return builder.cut(pen.lineage, pen.sender, pen.cause_topic, pen.sender.partition);
  }
  void append(const char* topic, std::int32_t partition, ByteView record) {
    run_.driver().append(topic, partition, record);
  }
  std::int64_t end(const char* topic, std::int32_t partition) {
    return run_.driver().log().bounds(run_.driver().topics().index_of(topic), partition).end;
  }
  ByteView credit(const core::AccountId& to, std::int64_t minor, const Uuid& id) {
    return legs_.encode(core::CreditLeg{
        {core::PaymentId(id), Pipeline::account(1), to, testing::eur(minor), {}, {}}});
  }
  // An account whose partition that is.
  static core::AccountId account_in(std::int32_t partition) {
    for (int i = 0;; ++i) {
      if (partition_of(Pipeline::account(i).view(), kPartitions) == partition) {
        return Pipeline::account(i);
      }
    }
  }

  const Findings& audit(std::uint32_t seed = 1) {
    return audit(copy_of(run_.driver(), kPartitions), seed);
  }
  const Findings& audit(const Copy& copy, std::uint32_t seed = 1) {
    reader_.emplace(run_.driver(), kPartitions, seed);
    reader_->read(copy, true);
    return reader_->auditor().findings();
  }
  // The first finding of a kind.
  const Finding& first(const Findings& findings, FindingKind kind) {
    for (const Finding& each : findings.first()) {
      if (each.kind == kind) {
        return each;
      }
    }
    ADD_FAILURE() << "no finding '" << to_string(kind) << "' among:\n" << told(findings);
    static const Finding none;
    return none;
  }

  Pipeline run_;
  test::TestDriver::ProcessId process_ = 0;
  wire::InflightCodec legs_;
  wire::OutcomeCodec outcomes_;
  std::optional<Reader> reader_;
};

TEST_F(Forgery, WithoutAnyThereIsNoFinding) {
  settle_some();
  go_on();
  EXPECT_EQ(told(audit()), "");
}

TEST_F(Forgery, AnUnreadableHeaderIsNamed) {
  settle_some();
  const std::int64_t offset = end(stages::kTopicInflight, 1);
  append(stages::kTopicInflight, 1, as_bytes("KF\1"));
  const Finding& finding = first(audit(), FindingKind::unreadable);
  EXPECT_EQ(finding.place, (Place{Topic::inflight, 1, offset, 0}));
}

TEST_F(Forgery, AFrameOfAnotherLineageOrOfATaskThatDoesNotWriteThereIsNamed) {
  settle_some();
  Pen pen = this->pen(stages::kSettle, 0, stages::kTopicInflight, 0);
  append(stages::kTopicInflight, 0, frame(pen, 0, {}, as_bytes("x")));
  pen = this->pen(stages::kIntake, 0, stages::kTopicInflight, 0);
  pen.lineage = testing::id(5);
  append(stages::kTopicInflight, 0, frame(pen, 0, {}, as_bytes("x")));
  go_on();
  const Findings& findings = audit();
  EXPECT_EQ(findings.count(FindingKind::foreign), 2U);
  EXPECT_EQ(findings.total(), 2U) << told(findings);  // their dead letters are none
}

TEST_F(Forgery, R8TheSameFrameAgainIsNone) {
  settle_some();
  for (const std::int32_t p : {0, 1, 2}) {
    const std::vector<Bytes> records = run_.driver().records(stages::kTopicInflight, p);
    for (const Bytes& record : records) {
      if (!stream::is_tick(record)) {
        append(stages::kTopicInflight, p, record);
      }
    }
  }
  go_on();
  const Findings& findings = audit();
  EXPECT_EQ(told(findings), "");
  EXPECT_GT(reader_->auditor().counts().replayed, 100U);
}

TEST_F(Forgery, KnownNumbersWithOtherBytesAreNamed) {
  settle_some();
  run_.some(20);
  run_.advance(200);
  // The newest frame of the sender, one byte of its payload changed.
  const std::vector<Bytes> records = run_.driver().records(stages::kTopicInflight, 2);
  stream::Frame last;
  for (const Bytes& record : records) {
    stream::Frame each;
    if (stream::read_frame(record, each) && each.sender.stage == stages::kIntake) {
      last = each;
    }
  }
  Pen pen{last.sender, last.lineage, last.cause_topic, {last.first - 1, last.before}};
  Bytes payload = to_bytes(last.events.front().payload);
  payload.back() ^= std::byte{1};
  const std::int64_t offset = end(stages::kTopicInflight, 2);
  append(stages::kTopicInflight, 2,
         frame(pen, last.events.front().header.cause_offset, last.events.front().header.subject,
               payload));
  go_on();
  const Findings& findings = audit();
  const Finding& finding = first(findings, FindingKind::altered);
  EXPECT_EQ(finding.place, (Place{Topic::inflight, 2, offset, 0}));
  EXPECT_EQ(finding.subject, last.events.front().header.subject);
  EXPECT_EQ(findings.total(), 1U) << told(findings);
}

TEST_F(Forgery, TheNextNumberWithAnotherHashIsNamed) {
  settle_some();
  Pen pen = this->pen(stages::kAccount, 0, stages::kTopicInflight, 1);
  pen.sequence.hash.low ^= 1U;
  const Uuid id = testing::id(99);
  const std::int64_t offset = end(stages::kTopicInflight, 1);
  append(stages::kTopicInflight, 1, frame(pen, 3, id, credit(account_in(1), 500, id)));
  go_on();
  const Finding& finding = first(audit(), FindingKind::diverged);
  EXPECT_EQ(finding.place, (Place{Topic::inflight, 1, offset, 0}));
  EXPECT_EQ(finding.subject, id);
}

// Whoever knows the running hash may go on from it: the receiver applies it, and money is made.
TEST_F(Forgery, MoneyFromNowhereIsNamedAndTheSumIsWrong) {
  settle_some();
  Pen pen = this->pen(stages::kAccount, 0, stages::kTopicInflight, 1);
  const Uuid id = run_.next_id();
  const std::int64_t offset = end(stages::kTopicInflight, 1);
  append(stages::kTopicInflight, 1, frame(pen, 3, id, credit(account_in(1), 500, id)));
  run_.advance(5000);
  const Findings& findings = audit();
  const Finding& second = first(findings, FindingKind::second);
  EXPECT_EQ(second.place, (Place{Topic::inflight, 1, offset, 0}));
  EXPECT_EQ(second.subject, id);
  const Finding& forged = first(findings, FindingKind::forged);  // the sender's marker knows better
  EXPECT_EQ(forged.place, (Place{Topic::inflight, 1, offset, 0}));
  EXPECT_EQ(forged.subject, id);
  const CurrencyBooks& eur =
      reader_->auditor().ledger().books().currencies().at(testing::currency("EUR"));
  EXPECT_FALSE(eur.conserved());
  EXPECT_EQ(to_string(eur.inside() - eur.outside()), "500");
}

TEST_F(Forgery, ACauseThatDoesNotExistIsNamed) {
  settle_some();
  Pen pen = this->pen(stages::kAccount, 0, stages::kTopicInflight, 1);
  const Uuid id = run_.next_id();
  append(stages::kTopicInflight, 1, frame(pen, 1'000'000, id, credit(account_in(1), 500, id)));
  run_.advance(5000);
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    EXPECT_EQ(first(audit(seed), FindingKind::no_origin).subject, id);
  }
}

// Numbers far ahead are early for receivers, for ever; the sender's marker says that it never sent
// them.
TEST_F(Forgery, NumbersThatNobodySentAreNamed) {
  settle_some();
  Pen pen = this->pen(stages::kAccount, 0, stages::kTopicInflight, 1);
  pen.sequence.last += 1000;
  const Uuid id = run_.next_id();
  const std::int64_t offset = end(stages::kTopicInflight, 1);
  append(stages::kTopicInflight, 1, frame(pen, 3, id, credit(account_in(1), 500, id)));
  go_on();
  const Findings& findings = audit();
  const Finding& finding = first(findings, FindingKind::forged);
  EXPECT_EQ(finding.place, (Place{Topic::inflight, 1, offset, 0}));
  EXPECT_EQ(finding.subject, id);
  EXPECT_EQ(findings.total(), 1U) << told(findings);
}

// Only intake runs, so that nothing has read what is dropped; its own marker counts it.
TEST_F(Forgery, TheLastRecordDroppedIsNamedWithItsPayments) {
  run_.driver().start("a", {"intake"});
  run_.advance(500);
  const Uuid id = run_.pay(1, 2, 5);
  run_.advance(5000);
  const std::int32_t partition = partition_of(Pipeline::account(1).view(), kPartitions);
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    Copy copy = copy_of(run_.driver(), kPartitions);
    EXPECT_EQ(told(audit(copy, seed)), "");
    std::vector<Record>& records =
        copy[number_of(Topic::inflight)][static_cast<std::size_t>(partition)];
    while (stream::is_tick(records.back().value)) {
      records.pop_back();
    }
    records.pop_back();
    const Findings& findings = audit(copy, seed);
    const Finding& dropped = first(findings, FindingKind::dropped);
    EXPECT_EQ(dropped.place.topic, Topic::inflight);
    EXPECT_EQ(dropped.place.partition, partition);
    EXPECT_EQ(first(findings, FindingKind::lost).subject, id);
    EXPECT_EQ(findings.total(), 2U) << told(findings);
  }
}

// The same for outcomes, results and dead letters: each topic that a marker counts.
TEST_F(Forgery, TheLastRecordOfEachTopicDroppedIsNamed) {
  settle_some();
  run_.driver().pipe(stages::kTopicIncoming, 0, "k", "\xff\xff");
  run_.advance(5000);
  for (const Topic topic : {Topic::complete, Topic::confirmed, Topic::failed, Topic::letters}) {
    Copy copy = copy_of(run_.driver(), kPartitions);
    std::vector<Record>& records = copy[number_of(topic)][0];
    while (stream::is_tick(records.back().value)) {
      records.pop_back();
    }
    records.pop_back();
    const Finding& dropped = first(audit(copy), FindingKind::dropped);
    EXPECT_EQ(dropped.place.topic, topic);
    EXPECT_EQ(dropped.place.partition, 0);
  }
}

// Before the account task has taken a debit, somebody writes its credit, for more.
TEST_F(Forgery, ACreditThatIsNotItsDebitIsNamed) {
  run_.driver().start("a", {"intake", "account"});
  run_.advance(1500);
  const core::AccountId payer = Pipeline::account(1);
  const std::int32_t from = partition_of(payer.view(), kPartitions);
  run_.driver().kill(0);
  run_.driver().start("b", {"intake"});
  const Uuid id = run_.pay(1, 2, 5);
  run_.advance(3000);
  std::int64_t debit = end(stages::kTopicInflight, from) - 1;
  while (stream::is_tick(
      run_.driver().records(stages::kTopicInflight, from)[static_cast<std::size_t>(debit)])) {
    --debit;
  }
  const std::int32_t to = partition_of(Pipeline::account(2).view(), kPartitions);
  Pen pen = this->pen(stages::kAccount, from, stages::kTopicInflight, to);
  append(stages::kTopicInflight, to, frame(pen, debit, id, credit(Pipeline::account(2), 500, id)));
  const Finding& misfit = first(audit(), FindingKind::misfit);
  EXPECT_EQ(misfit.subject, id);
  const CurrencyBooks& eur =
      reader_->auditor().ledger().books().currencies().at(testing::currency("EUR"));
  EXPECT_EQ(to_string(eur.inside() - eur.outside()), "495");
}

// An outcome of a payment that nobody made, and a second one of a payment that has ended.
TEST_F(Forgery, AnOutcomeWithoutAPaymentIsNamed) {
  settle_some();
  const Uuid id = run_.next_id();
  const std::int32_t to = partition_of(id.view(), kPartitions);
  Pen pen = this->pen(stages::kAccount, 0, stages::kTopicComplete, to);
  const core::Transfer transfer{
      core::PaymentId(id), Pipeline::account(1), Pipeline::account(2), testing::eur(5), {}, {}};
  const std::int64_t offset = end(stages::kTopicComplete, to);
  append(stages::kTopicComplete, to,
         frame(pen, 2, id, outcomes_.encode(core::Outcome(core::completed(transfer)))));
  run_.advance(3000);
  const Finding& second = first(audit(), FindingKind::second);
  EXPECT_EQ(second.place, (Place{Topic::complete, to, offset, 0}));
  EXPECT_EQ(second.subject, id);
}

TEST_F(Forgery, APublicResultThatNoOutcomeStandsForIsNamed) {
  settle_some();
  Copy copy = copy_of(run_.driver(), kPartitions);
  std::vector<Record>& records = copy[number_of(Topic::confirmed)][0];
  wire::ResultCodec codec;
  core::PaymentResult result;
  ASSERT_FALSE(codec.decode(records.back().value, result));
  result.payment = core::PaymentId(testing::id(4242));
  ++result.number;
  records.push_back({records.back().appended, to_bytes(codec.encode(result))});
  const Finding& finding = first(audit(copy), FindingKind::result);
  EXPECT_EQ(finding.subject, testing::id(4242));
}

TEST_F(Forgery, APublicResultThatSaysSomethingElseIsNamed) {
  settle_some();
  Copy copy = copy_of(run_.driver(), kPartitions);
  Record& last = copy[number_of(Topic::confirmed)][1].back();
  wire::ResultCodec codec;
  core::PaymentResult result;
  ASSERT_FALSE(codec.decode(last.value, result));
  result.amount.minor += 1;
  last.value = to_bytes(codec.encode(result));
  EXPECT_EQ(first(audit(copy), FindingKind::result).subject, result.payment.value());
}

}  // namespace
}  // namespace kpay::audit
