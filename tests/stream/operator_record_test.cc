// R8, R24: operators' records. Replaying and closing dead letters, and accepting a sender again.
#include <gtest/gtest.h>

#include "golden/golden.h"
#include "stream/operators.h"

namespace kpay::test {
namespace {

using R24Replay = Operators;

TEST_F(R24Replay, AppliesTheLettersBytesOnceTheWorldHasChangedAndClosesIt) {
  open_a();
  give(replay(driver_, "source", {0, 0}, kPoison));
  EXPECT_EQ(verdicts(driver_), std::vector{OperatorVerdict::done});
  EXPECT_EQ(sum("source", "a"), -6);
  EXPECT_EQ(sum("adder", "b"), 5);
  EXPECT_EQ(open("source"), 0U);
}

TEST_F(R24Replay, OfTheSameLetterAgainHasNoEffect) {
  open_a();
  const Bytes record = replay(driver_, "source", {0, 0}, kPoison);
  give(record);
  give(record);
  give(replay(driver_, "source", {0, 0}, kPoison));
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::done, OperatorVerdict::not_open,
                                            OperatorVerdict::not_open}));
  EXPECT_EQ(sum("adder", "b"), 5);
}

TEST_F(R24Replay, OfWhatWasNeverADeadLetterIsRefused) {
  open_a();
  give(replay(driver_, "source", {1, 0}, "add a z 1"));
  give(replay(driver_, "source", {77, 3}, kPoison));
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::not_open, OperatorVerdict::not_open}));
  EXPECT_EQ(sum("adder", "z"), 1);
}

TEST_F(R24Replay, WithOtherBytesIsRefusedAndTheLetterStaysOpen) {
  open_a();
  give(replay(driver_, "source", {0, 0}, "only a b 500"));
  EXPECT_EQ(verdicts(driver_), std::vector{OperatorVerdict::other_bytes});
  EXPECT_EQ(sum("adder", "b"), 0);
  EXPECT_EQ(open("source"), 1U);
}

TEST_F(R24Replay, ThatFailsAgainLeavesTheLetterOpenAndMakesNoSecondOne) {
  give(replay(driver_, "source", {0, 0}, kPoison));
  ASSERT_EQ(answers(driver_).size(), 1U);
  EXPECT_EQ(answers(driver_)[0].verdict, OperatorVerdict::failed_again);
  EXPECT_EQ(answers(driver_)[0].reason, kToyMissing);
  EXPECT_EQ(dead_letters(driver_).size(), 1U);
  EXPECT_EQ(open("source"), 1U);
  open_a();
  give(replay(driver_, "source", {0, 0}, kPoison));
  EXPECT_EQ(answers(driver_).back().verdict, OperatorVerdict::done);
  EXPECT_EQ(sum("adder", "b"), 5);
}

TEST_F(R24Replay, ReachesATaskBehindByTheTaskThatReadsOperatorsRecords) {
  give(as_bytes("send b only b 7"));  // the adder's dead letter: b has no row there
  ASSERT_EQ(open("adder"), 1U);
  const std::string poison = "only b 7";
  give(replay(driver_, "adder", {0, 0}, poison));
  give(as_bytes("add a b 1"));
  give(replay(driver_, "adder", {0, 0}, poison));
  give(replay(driver_, "adder", {0, 0}, poison));
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::failed_again, OperatorVerdict::done,
                                            OperatorVerdict::not_open}));
  EXPECT_EQ(sum("adder", "b"), 8);
  EXPECT_EQ(open("adder"), 0U);
  EXPECT_EQ(open("source"), 1U) << "the letter of the same offset at another stage is another one";
}

TEST_F(R24Replay, KeepsTheEventsOwnTimeAndNamesTheRecordAsCause) {
  driver_.advance(5000);
  open_a();
  give(replay(driver_, "source", {0, 0}, kPoison));
  const std::vector<Received> events = driver_.received(kToyMid).events;
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[1].text, "b 5");
  EXPECT_LT(events[1].time, events[0].time) << "R3: event time is set once";
  const stream::OperatorAnswer answer = answers(driver_).back();
  EXPECT_EQ(answer.at.offset, 2);
  EXPECT_EQ(answer.record.id, record_id(1));
  EXPECT_EQ(answer.record.author, "ann");
  EXPECT_EQ(*letter_of(answer.record), (stream::LetterKey{0, 0}));
  EXPECT_TRUE(std::get<stream::ReplayLetter>(answer.record.what).bytes.empty());
}

TEST_F(R24Replay, IsStateThatOutlivesTheProcess) {
  open_a();
  const Bytes record = replay(driver_, "source", {0, 0}, kPoison);
  give(record);
  driver_.advance(1500);
  driver_.kill(process_);
  process_ = driver_.start("other disk");
  driver_.advance(1500);
  give(record);
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::done, OperatorVerdict::not_open}));
  EXPECT_EQ(sum("adder", "b"), 5);
}

TEST(R24ReplayCrash, AtEveryAppendAroundAReplayTheEffectIsOne) {
  int crashes = 0;
  for (std::int64_t appends = 0; appends < 12; ++appends) {
    TestDriver::Options options = world();
    options.task.checkpoint_interval_ms = 100;
    TestDriver driver(options);
    auto process = driver.start("disk");
    driver.pipe(kToyIn, 0, "a", kPoison);
    driver.pipe(kToyIn, 0, "a", "add a z 1");
    driver.advance(300);
    const Bytes record = replay(driver, "source", {0, 0}, kPoison);
    driver.kill_at_append(process, appends);
    driver.append(kToyIn, 0, record);
    driver.append(kToyIn, 0, record);
    driver.advance(500);
    if (!driver.alive(process)) {
      ++crashes;
      process = driver.start(appends % 2 == 0 ? "disk" : "other disk");
      driver.advance(1000);
    } else {
      driver.kill_at_append(process, -1);
    }
    driver.append(kToyIn, 0, record);
    driver.advance(500);
    ASSERT_EQ(sum_of(*driver.task(process, "adder"), "b"), 5) << appends;
    ASSERT_EQ(sum_of(*driver.task(process, "source"), "a"), -6) << appends;
    ASSERT_EQ(verdicts(driver), (std::vector{OperatorVerdict::done, OperatorVerdict::not_open,
                                             OperatorVerdict::not_open}))
        << appends;
    ASSERT_EQ(driver.received(kToyMid).diverged, 0U) << appends;
  }
  EXPECT_GE(crashes, 6) << "the sweep reaches into the replay";
}

using R24Discard = R24Replay;

TEST_F(R24Discard, ClosesTheLetterAndAReplayAfterItIsRefused) {
  open_a();
  give(discard(driver_, "source", {0, 0}, kPoison));
  give(replay(driver_, "source", {0, 0}, kPoison));
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::done, OperatorVerdict::not_open}));
  EXPECT_EQ(sum("adder", "b"), 0);
  EXPECT_EQ(open("source"), 0U);
}

TEST_F(R24Discard, NamesTheBytesThatWereLookedAt) {
  give(discard(driver_, "source", {0, 0}, "something else"));
  EXPECT_EQ(verdicts(driver_), std::vector{OperatorVerdict::other_bytes});
  EXPECT_EQ(open("source"), 1U);
}

TEST_F(R24Discard, OfALetterWhoseBytesWereSentWhereTheyBelongClosesIt) {
  OperatorRecord record = record_for(driver_, "source");
  record.what = stream::MovedLetter{{0, 0}, hash128(as_bytes(kPoison)), 3};
  give(encode(record));
  ASSERT_EQ(verdicts(driver_), std::vector{OperatorVerdict::done});
  EXPECT_EQ(std::get<stream::MovedLetter>(answers(driver_)[0].record.what).partition, 3);
  EXPECT_EQ(open("source"), 0U);
}

using R24OperatorRecord = R24Replay;

TEST_F(R24OperatorRecord, OfAnotherLineageOrForNobodyIsADeadLetter) {
  OperatorRecord foreign = record_for(driver_, "source");
  foreign.lineage.bytes[0] ^= 1;
  give(encode(foreign));
  OperatorRecord nowhere = record_for(driver_, "source");
  nowhere.topic_id.bytes[0] ^= 1;
  give(encode(nowhere));
  give(encode(record_for(driver_, "source", 1)));
  give(encode(record_for(driver_, "adder", 1)));
  std::vector<stream::DeadLetterReason> reasons;
  for (const stream::DeadLetter& letter : dead_letters(driver_)) {
    reasons.push_back(letter.reason);
  }
  EXPECT_EQ(reasons, (std::vector<stream::DeadLetterReason>{
                         kToyMissing, stream::kReasonForeignLineage, stream::kReasonMisdirected,
                         stream::kReasonMisdirected, stream::kReasonMisdirected}));
  EXPECT_TRUE(answers(driver_).empty());
}

TEST_F(R24OperatorRecord, ForASiblingOfTheSameInputIsLeftToIt) {
  OperatorRecord record = record_for(driver_, "source");
  record.stage = 42;
  give(encode(record));
  EXPECT_TRUE(answers(driver_).empty());
  EXPECT_EQ(dead_letters(driver_).size(), 1U);
}

TEST_F(R24OperatorRecord, ReadsBackFromItsBytesOrNotAtAll) {
  const Bytes bytes = replay(driver_, "source", {7, 2}, kPoison);
  const std::optional<OperatorRecord> record = stream::decode_operator_record(bytes);
  ASSERT_TRUE(record);
  EXPECT_EQ(encode(*record), bytes);
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    ASSERT_FALSE(stream::decode_operator_record(ByteView(bytes).first(size))) << size;
  }
  for (std::size_t at = 4; at < bytes.size(); ++at) {
    Bytes other = bytes;
    other[at] ^= std::byte{1};
    ASSERT_FALSE(stream::decode_operator_record(other)) << at;
  }
  const Bytes answer = encode(
      stream::OperatorAnswer{OperatorVerdict::done, 0, {record->topic_id, 0, 9, 1}, *record});
  ASSERT_TRUE(stream::decode_operator_answer(answer));
  for (std::size_t size = 0; size < answer.size(); ++size) {
    ASSERT_FALSE(stream::decode_operator_answer(ByteView(answer).first(size))) << size;
  }
  EXPECT_FALSE(stream::decode_dead_letter(answer)) << "an answer is no dead letter";
}

PublicKey some_key() {
  PublicKey key;
  key.bytes.fill(std::byte{7});
  return key;
}

TEST_F(R24OperatorRecord, HasTheBytesThatItAlwaysHad) {
  const OperatorRecord base = record_for(driver_, "source");
  const auto line = [&](const auto& what) {
    OperatorRecord record = base;
    record.what = what;
    record.signatures.resize(1);
    return std::string(verb_of(record)) + " " + to_hex(encode(record)) + "\nanswer " +
           to_hex(encode(stream::OperatorAnswer{
               OperatorVerdict::failed_again, 100, {base.topic_id, 1, 2, 3}, record})) +
           "\n";
  };
  const Hash128 hash = hash128(as_bytes(kPoison));
  testing::expect_golden(
      "operator_records.txt",
      line(stream::ReplayLetter{{1, 2}, to_bytes(as_bytes(kPoison))}) +
          line(stream::DiscardLetter{{3, 4}, hash}) + line(stream::MovedLetter{{5, 6}, hash, 7}) +
          line(stream::AcceptSender{{1, 2}, {3, hash}}) +
          line(stream::EnrolKey{some_key(), "ben"}) + line(stream::RevokeKey{some_key()}) +
          line(stream::SwitchLogic{{2, hash}}) +
          line(stream::OverrideInput{8, stream::OverrideAction::set_time, {9}}));
}

// The adder's sender 0 of the source has diverged after "a 1".
class R8Accept : public ::testing::Test {
 protected:
  R8Accept() : driver_(world(2)) {
    process_ = driver_.start("disk", {"adder"});
    driver_.advance(100);
    give(zero_.frame({"a 1"}));
    kept_ = zero_.sequence;
    fork_ = zero_;
    fork_.sequence.hash.low ^= 1;
    give(fork_.frame({"a 100"}));
  }
  void give(const Bytes& record) {
    driver_.append(kToyMid, 0, record);
    driver_.run_until_idle();
  }
  // By the source's other task, whose events are not refused.
  void accept(stream::Sequence seen, stream::SenderId sender = {kSource, 0}) {
    OperatorRecord record = record_for(driver_, "adder");
    record.what = stream::AcceptSender{sender, seen};
    give(one_.frame({std::string(as_text(encode(record)))}));
  }
  stream::TaskStatus status() { return driver_.status(process_, "adder"); }
  std::int64_t sum() { return sum_of(*driver_.task(process_, "adder"), "a"); }

  TestDriver driver_;
  TestDriver::ProcessId process_ = 0;
  Sender zero_ = sender_of(driver_, 0);
  Sender one_ = sender_of(driver_, 1);
  Sender fork_;
  stream::Sequence kept_;
};

TEST_F(R8Accept, OfTheKeptPlaceTakesUpTheStreamThatFollowsFromIt) {
  accept(kept_);
  EXPECT_TRUE(status().refused.empty());
  give(zero_.frame({"a 2"}));
  EXPECT_EQ(sum(), 3);
}

TEST_F(R8Accept, OfAnotherPlaceTakesUpTheOtherStreamFromThere) {
  accept(fork_.sequence);
  give(fork_.frame({"a 4"}));
  EXPECT_EQ(sum(), 5) << "what was discarded stays out: the operator said so";
  EXPECT_TRUE(status().refused.empty());
}

TEST_F(R8Accept, OfWhatStillDoesNotFollowRefusesItAgain) {
  accept(kept_);
  give(fork_.frame({"a 4"}));
  give(zero_.frame({"a 2"}));
  EXPECT_EQ(sum(), 3) << "number 3 of the fork was early, number 2 of the true one came";
  Sender liar = zero_;
  liar.sequence.hash.low ^= 1;
  give(liar.frame({"a 100"}));
  EXPECT_EQ(status().refused.size(), 1U);
}

TEST_F(R8Accept, NeverGoesBackBehindWhatIsApplied) {
  accept({0, {}});
  EXPECT_EQ(verdicts(driver_), std::vector{OperatorVerdict::going_back});
  EXPECT_EQ(status().refused.size(), 1U);
}

TEST_F(R8Accept, OfASenderThatIsNotRefusedChangesNothing) {
  accept({77, {}}, {kSource, 1});
  accept({77, {}}, {99, 0});
  EXPECT_EQ(verdicts(driver_),
            (std::vector{OperatorVerdict::not_refused, OperatorVerdict::not_refused}));
  give(one_.frame({"a 2"}));
  EXPECT_EQ(sum(), 3);
}

TEST_F(R8Accept, TwiceIsOnceAndOutlivesTheProcess) {
  accept(kept_);
  accept(kept_);
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::done, OperatorVerdict::not_refused}));
  driver_.advance(1500);
  driver_.kill(process_);
  process_ = driver_.start("other disk", {"adder"});
  driver_.advance(1500);
  give(zero_.frame({"a 2"}));
  EXPECT_EQ(sum(), 3);
}

TEST_F(R8Accept, InAFrameOfTheRefusedSenderItselfIsDiscarded) {
  OperatorRecord record = record_for(driver_, "adder");
  record.what = stream::AcceptSender{{kSource, 0}, kept_};
  give(zero_.frame({std::string(as_text(encode(record)))}));
  EXPECT_EQ(status().refused.size(), 1U);
  EXPECT_TRUE(answers(driver_).empty());
}

}  // namespace
}  // namespace kpay::test
