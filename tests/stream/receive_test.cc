// R8, R9, R13, R24: what a task does with the records of its input.
#include <gtest/gtest.h>

#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Phase;
using Kind = stream::TaskNotice::Kind;

// The adder alone; the test plays its senders.
class R8Receiving : public ::testing::Test {
 protected:
  explicit R8Receiving(std::int32_t partitions = 2) : driver_(world(partitions)) {
    process_ = driver_.start("disk", {"adder"});
    driver_.advance(100);
  }
  void give(const Bytes& record, std::int32_t partition = 0) {
    driver_.append(kToyMid, partition, record);
    driver_.run_until_idle();
  }
  stream::TaskStatus status(std::int32_t partition = 0) {
    return driver_.status(process_, "adder", partition);
  }
  std::int64_t sum(const std::string& name) {
    return sum_of(*driver_.task(process_, "adder"), name);
  }

  TestDriver driver_;
  TestDriver::ProcessId process_ = 0;
  Sender zero_ = sender_of(driver_, 0);
  Sender one_ = sender_of(driver_, 1);
};
using R9Receiving = R8Receiving;
using R24DeadLetters = R8Receiving;

TEST_F(R8Receiving, AReplayedFrameIsDroppedAndCounted) {
  const Bytes frame = zero_.frame({"a 1", "a 2"});
  give(frame);
  give(frame);
  EXPECT_EQ(sum("a"), 3);
  EXPECT_EQ(status().events, 2U);
  EXPECT_EQ(status().replayed, 2U);
  EXPECT_EQ(status().position, 2);
}

TEST_F(R8Receiving, AStraddlingFrameIsSplit) {
  give(zero_.frame({"a 1"}));
  const Sender at_one = zero_;
  give(zero_.frame({"a 2"}));
  Sender again = at_one;
  // The same event as number 2, and two new ones, in one frame.
  stream::FrameBuilder builder;
  for (const char* text : {"a 2", "a 4", "a 8"}) {
    stream::EventHeader header;
    header.payload_bytes = 3;
    header.cause_offset = static_cast<std::int64_t>(again.sequence.last);
    header.time = {1'700'000'001'000};
    builder.add(header, as_bytes(text), again.sequence);
  }
  give(builder.cut(again.lineage, again.id, {}, 0));
  EXPECT_EQ(sum("a"), 15);
  EXPECT_EQ(status().replayed, 1U);
  EXPECT_EQ(status().events, 4U);
}

TEST_F(R8Receiving, AnEarlyFrameIsDiscardedAndNamedAndTheReplayHealsIt) {
  give(zero_.frame({"a 1"}));
  const Bytes second = zero_.frame({"a 2", "a 4"});
  const Bytes third = zero_.frame({"a 8"});
  give(third);
  EXPECT_EQ(sum("a"), 1);
  EXPECT_EQ(status().early, 1U);
  ASSERT_TRUE(status().gap);
  EXPECT_EQ(status().gap->sender, zero_.id);
  EXPECT_EQ(status().gap->from, 2U);
  EXPECT_EQ(status().gap->to, 3U);
  EXPECT_EQ(driver_.count(Kind::early), 1U);
  give(second);
  give(third);
  EXPECT_EQ(sum("a"), 15);
  EXPECT_FALSE(status().gap);
}

TEST_F(R8Receiving, AnotherHashRefusesThatSenderAndOnlyIt) {
  give(zero_.frame({"a 1"}));
  Sender liar = zero_;
  liar.sequence.hash.low ^= 1;
  give(liar.frame({"a 100"}));
  EXPECT_EQ(status().refused, std::vector<stream::SenderId>{zero_.id});
  EXPECT_EQ(driver_.count(Kind::diverged), 1U);
  give(zero_.frame({"a 2"}));
  give(one_.frame({"a 4"}));
  EXPECT_EQ(sum("a"), 5) << "nothing more of the one, all of the other";
  EXPECT_EQ(status().discarded, 2U);
  EXPECT_EQ(status().phase, Phase::running);
}

TEST_F(R8Receiving, AStraddlingFrameWithAnotherPastIsRefusedWhole) {
  Sender liar = zero_;
  give(zero_.frame({"a 1"}));
  stream::FrameBuilder builder;
  for (const char* text : {"a 7", "a 2"}) {
    stream::EventHeader header;
    header.payload_bytes = 3;
    builder.add(header, as_bytes(text), liar.sequence);
  }
  give(builder.cut(liar.lineage, liar.id, {}, 0));
  EXPECT_EQ(sum("a"), 1);
  EXPECT_EQ(status().refused.size(), 1U);
}

TEST_F(R8Receiving, ARefusalIsStateAndOutlivesTheProcess) {
  give(zero_.frame({"a 1"}));
  Sender liar = zero_;
  liar.sequence.hash.high ^= 1;
  give(liar.frame({"a 100"}));
  driver_.advance(1500);
  driver_.kill(process_);
  process_ = driver_.start("other disk", {"adder"});
  driver_.advance(1500);
  give(zero_.frame({"a 2"}));
  EXPECT_EQ(status().refused.size(), 1U);
  EXPECT_EQ(sum("a"), 1);
}

TEST_F(R9Receiving, AnUndecodablePayloadStillCounts) {
  give(zero_.frame({"a 1"}));
  give(zero_.frame({"what is this"}));
  give(zero_.frame({"a 2"}));
  EXPECT_EQ(sum("a"), 3);
  EXPECT_EQ(status().dead_letters, 1U);
  EXPECT_TRUE(status().refused.empty());
  EXPECT_FALSE(status().gap);
}

TEST_F(R9Receiving, OneBadEventOfAFrameIsDeadLetteredAloneWithItsPlaceAndReason) {
  give(zero_.frame({"a 1", "bad", "a 2"}));
  EXPECT_EQ(sum("a"), 3);
  const std::vector<stream::DeadLetter> letters = dead_letters(driver_);
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].origin.offset, 0);
  EXPECT_EQ(letters[0].origin.index, 1U);
  EXPECT_EQ(letters[0].reason, kToyUnreadable);
  EXPECT_EQ(as_text(letters[0].bytes), "bad");
  EXPECT_EQ(driver_.received(kToyOut).texts(), (std::vector<std::string>{"a 1", "a 2"}));
}

TEST_F(R9Receiving, AnUnreadableHeaderHoldsTheTaskAndTheOthersRun) {
  give(zero_.frame({"a 1"}));
  Bytes broken = zero_.frame({"a 2"});
  broken[9] ^= std::byte{1};
  give(broken);
  give(zero_.frame({"a 4"}));
  EXPECT_EQ(status().phase, Phase::held);
  EXPECT_EQ(status().position, 1) << "it stands before the record";
  Sender other = sender_of(driver_, 1);
  give(other.frame({"b 1"}), 1);
  EXPECT_EQ(status(1).phase, Phase::running);
  EXPECT_EQ(status(1).events, 1U);
}

TEST_F(R9Receiving, AnEmptyRecordHoldsToo) {
  give({});
  EXPECT_EQ(status().phase, Phase::held);
}

TEST_F(R9Receiving, AHoleInTheInputHolds) {
  give(zero_.frame({"a 1"}));
  give(zero_.frame({"a 1"}));
  driver_.log().delete_before(driver_.topics().index_of(kToyMid), 0, 1);
  driver_.kill(process_);
  process_ = driver_.start("new disk", {"adder"});
  driver_.advance(200);
  EXPECT_EQ(status().phase, Phase::held)
      << "it was never checkpointed, and its first record is gone";
}

TEST_F(R24DeadLetters, ForeignLineagesAndUnknownSendersAreDeadLetteredWhole) {
  Sender foreign = zero_;
  foreign.lineage.bytes[0] ^= 1;
  const Bytes frame = foreign.frame({"a 100", "a 100"});
  give(frame);
  Sender unknown = zero_;
  unknown.id.stage = 99;
  give(unknown.frame({"a 100"}));
  Sender outside = zero_;
  outside.id.partition = 2;
  give(outside.frame({"a 100"}));
  const std::vector<stream::DeadLetter> letters = dead_letters(driver_);
  ASSERT_EQ(letters.size(), 3U);
  EXPECT_EQ(letters[0].reason, stream::kReasonForeignLineage);
  EXPECT_TRUE(equal(letters[0].bytes, frame));
  EXPECT_EQ(letters[1].reason, stream::kReasonUnknownSender);
  EXPECT_EQ(letters[2].reason, stream::kReasonUnknownSender);
  EXPECT_EQ(sum("a"), 0);
}

TEST_F(R24DeadLetters, AreKeptAsOpenWithTheHashOfTheirBytes) {
  give(zero_.frame({"a 1", "bad"}));
  const stream::TableBase& open = *driver_.task(process_, "adder")->tables()[1];
  EXPECT_EQ(open.name(), "dead_letters");
  const std::optional<Bytes> row = open.get(*open.key_from_text("0.1"));
  ASSERT_TRUE(row);
  EXPECT_EQ(stream::LetterCodec::decode(*row)->bytes_hash, hash128(as_bytes("bad")));
  EXPECT_EQ(stream::LetterCodec::decode(*row)->reason, kToyUnreadable);
}

TEST_F(R24DeadLetters, ReadBackFromBytesOrNotAtAll) {
  give(zero_.frame({"bad"}));
  const Bytes payload = stream::encode(dead_letters(driver_).front());
  for (std::size_t size = 0; size < payload.size(); ++size) {
    ASSERT_FALSE(stream::decode_dead_letter(ByteView(payload).first(size)));
  }
  EXPECT_EQ(stream::LetterCodec::key_from_text("12.3"), (stream::LetterKey{12, 3}));
  for (const char* text : {"", ".", "x.1", "1.x", "1.", "1.2.3"}) {
    EXPECT_FALSE(stream::LetterCodec::key_from_text(text)) << text;
  }
}

TEST(R24DeadLetter, OfASingleRecordIsSequencedAndTheTaskGoesOn) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "nonsense");
  driver.pipe(kToyIn, 0, "a", "");
  driver.append(kToyIn, 0, as_bytes("K is the runtime's own first byte"));
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.run_until_idle();
  const std::vector<stream::DeadLetter> letters = dead_letters(driver);
  ASSERT_EQ(letters.size(), 3U);
  EXPECT_EQ(letters[0].reason, kToyUnreadable);
  EXPECT_EQ(letters[1].reason, stream::kReasonEmptyRecord);
  EXPECT_EQ(letters[2].reason, stream::kReasonUnknownSender);
  EXPECT_EQ(driver.received(kToyMid).texts(), std::vector<std::string>{"b 1"});
  EXPECT_EQ(driver.status(process, "source").dead_letters, 3U);
}

TEST(R13Sizes, AnEventBeyondTheLimitIsDeadLetteredAndOneAtTheLimitIsNot) {
  TestDriver driver(world());
  driver.start("disk");
  driver.pipe(kToyIn, 0, "a", "send b " + std::string(kToyEventBytesMax - 7, 'x'));
  driver.pipe(kToyIn, 0, "a", "send b " + std::string(kToyEventBytesMax - 6, 'x'));
  driver.run_until_idle();
  const std::vector<stream::DeadLetter> letters = dead_letters(driver);
  ASSERT_EQ(letters.size(), 2U) << "one of the source, and what it sent is none for the adder";
  EXPECT_EQ(letters[0].reason, stream::kReasonTooLarge);
  EXPECT_EQ(letters[0].bytes_total, kToyEventBytesMax + 1);
  EXPECT_EQ(letters[1].reason, kToyUnreadable);
}

TEST(R24DeadLetter, KeepsNoMoreThanItsLimitOfBytes) {
  TestDriver driver(world());
  driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", std::string(stream::kDeadLetterBytesMax + 10, 'x'));
  driver.run_until_idle();
  const std::vector<stream::DeadLetter> letters = dead_letters(driver);
  ASSERT_EQ(letters.size(), 1U);
  EXPECT_EQ(letters[0].bytes.size(), stream::kDeadLetterBytesMax);
  EXPECT_EQ(letters[0].bytes_total, stream::kDeadLetterBytesMax + 10);
}

}  // namespace
}  // namespace kpay::test
