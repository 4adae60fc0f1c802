// R24: dead letters as kpayctl sees them: what became of each, and what a replay would do.
#include "daemons/ctl/letters.h"

#include <gtest/gtest.h>

#include "core/horizon.h"
#include "core/limits.h"
#include "core/make.h"
#include "daemons/ctl/letter_check.h"
#include "daemons/ctl/senders.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::ctl {
namespace {

using stream::OperatorVerdict;
using testing::kNow;

constexpr stream::SenderId kTask{stages::kIntake, 1};

stream::DeadLetter dead(std::int64_t offset, ByteView bytes, stream::DeadLetterReason reason) {
  stream::DeadLetter letter;
  letter.origin = {{}, kTask.partition, offset, 0};
  letter.reason = reason;
  letter.bytes_total = bytes.size();
  letter.bytes_hash = hash128(bytes);
  letter.bytes = to_bytes(bytes);
  return letter;
}

stream::OperatorAnswer answer(std::int64_t offset, OperatorVerdict verdict, auto what) {
  stream::OperatorAnswer made;
  made.verdict = verdict;
  what.letter = {offset, 0};
  made.record.stage = kTask.stage;
  made.record.partition = kTask.partition;
  made.record.what = what;
  return made;
}

class R24LetterBook : public ::testing::Test {
 protected:
  R24LetterBook() {
    for (std::int64_t offset = 0; offset < 4; ++offset) {
      book_.take(kTask, encode(dead(offset, as_bytes("x"), 100)), {1000 + offset});
    }
  }
  void take(const stream::OperatorAnswer& answer) {
    EXPECT_TRUE(book_.take(kTask, encode(answer), {2000}));
  }

  LetterBook book_{{}};
};

TEST_F(R24LetterBook, SaysWhatBecameOfEach) {
  take(answer(0, OperatorVerdict::failed_again, stream::ReplayLetter{}));
  take(answer(1, OperatorVerdict::failed_again, stream::ReplayLetter{}));
  take(answer(1, OperatorVerdict::done, stream::ReplayLetter{}));
  take(answer(1, OperatorVerdict::not_open, stream::DiscardLetter{}));
  take(answer(2, OperatorVerdict::done, stream::DiscardLetter{}));
  take(answer(3, OperatorVerdict::done, stream::MovedLetter{}));
  EXPECT_FALSE(book_.take(kTask, as_bytes("neither"), {2000}));
  std::vector<LetterState> states;
  std::vector<std::size_t> answers;
  for (const Letter& letter : book_.select({})) {
    states.push_back(letter.state);
    answers.push_back(letter.answers.size());
  }
  EXPECT_EQ(states, (std::vector{LetterState::open, LetterState::replayed, LetterState::discarded,
                                 LetterState::moved}));
  EXPECT_EQ(answers, (std::vector<std::size_t>{1, 2, 1, 1})) << "what came too late says nothing";
}

TEST_F(R24LetterBook, AnotherStagesAnswerIsNotForTheSamePlaceHere) {
  stream::OperatorAnswer other = answer(0, OperatorVerdict::done, stream::DiscardLetter{});
  EXPECT_TRUE(book_.take({stages::kSettle, 1}, encode(other), {2000}));
  EXPECT_EQ(book_.select({})[0].state, LetterState::open);
}

TEST_F(R24LetterBook, IsSelectedByIdCauseStageStateAndTime) {
  take(answer(2, OperatorVerdict::done, stream::DiscardLetter{}));
  const auto count = [this](const LetterFilter& filter) {
    LetterBook copy = book_;
    return copy.select(filter).size();
  };
  LetterFilter filter;
  filter.ids = {{kTask.stage, kTask.partition, {3, 0}}, {kTask.stage, 0, {3, 0}}};
  EXPECT_EQ(count(filter), 1U);
  filter = {};
  filter.cause = "undecodable";
  EXPECT_EQ(count(filter), 4U);
  filter.state = "discarded";
  EXPECT_EQ(count(filter), 1U);
  filter = {};
  filter.stage = "settle";
  EXPECT_EQ(count(filter), 0U);
  filter = {};
  filter.since = Timestamp{1001};
  filter.until = Timestamp{1003};
  EXPECT_EQ(count(filter), 2U);
}

TEST(R24LetterId, IsStagePartitionOffsetAndIndex) {
  const LetterId id{stages::kIntake, 3, {128, 2}};
  EXPECT_EQ(to_string(id), "intake/3@128.2");
  EXPECT_EQ(parse_letter_id("intake/3@128.2"), id);
  for (const char* text : {"", "intake", "intake/3", "intake/3@", "intake/x@1.0", "intake/-1@1.0",
                           "nobody/3@128.2", "intake@3/1.0", "intake/3@1.0 "}) {
    EXPECT_FALSE(parse_letter_id(text)) << text;
  }
}

Letter letter_of(std::uint16_t stage, ByteView bytes, std::int32_t partition,
                 stream::DeadLetterReason reason = 100) {
  Letter letter;
  letter.id = {stage, partition, {}};
  letter.letter = dead(0, bytes, reason);
  letter.reason = reason_text(reason);
  return letter;
}

class R24Check : public ::testing::Test {
 protected:
  static constexpr std::int32_t kPartitions = 2;

  LetterCheck check(std::uint16_t stage, ByteView bytes, std::int32_t partition,
                    stream::DeadLetterReason reason = 100) {
    return check_letter(letter_of(stage, bytes, partition, reason), kPartitions, kNow);
  }
  Bytes encoded(const core::Command& command) { return to_bytes(codec_.encode(command)); }
  static std::int32_t place(const core::Command& command) {
    return partition_of(core::key_of(command), kPartitions);
  }

  wire::CommandCodec codec_;
};

using Verdict = LetterCheck::Verdict;

TEST_F(R24Check, WhatTheDecoderReadsPassesWhereItBelongsAndMovesElsewhere) {
  const core::Command open = testing::open(1, "alice", 100);
  EXPECT_EQ(check(stages::kIntake, encoded(open), place(open)).verdict, Verdict::passes);
  const LetterCheck moves = check(stages::kIntake, encoded(open), 1 - place(open));
  EXPECT_EQ(moves.verdict, Verdict::moves);
  EXPECT_EQ(moves.partition, place(open));
  EXPECT_EQ(as_text(moves.key), "alice");
}

TEST_F(R24Check, WhatIntakeWouldRefuseIsNamedByItsRule) {
  const core::Command negative = testing::open(1, "alice", -5);
  const LetterCheck refused = check(stages::kIntake, encoded(negative), place(negative));
  EXPECT_EQ(refused.verdict, Verdict::refused);
  EXPECT_EQ(refused.why, "opening_must_not_be_negative");
  const core::Command open = testing::open(1, "alice", 100);
  const Letter letter = letter_of(stages::kIntake, encoded(open), place(open));
  const Timestamp later{kNow.ms + core::kIdAgeMaxMs + core::kDayMs};
  EXPECT_EQ(check_letter(letter, kPartitions, later).why, "id_expired");
}

TEST_F(R24Check, WhatStillCanNotBeReadFailsForItsReason) {
  EXPECT_EQ(check(stages::kIntake, as_bytes("\xff\xff"), 0).why, "undecodable");
  EXPECT_EQ(check(stages::kAccount, as_bytes("\xff\xff"), 0).why, "undecodable");
  EXPECT_EQ(check(stages::kSettle, ByteView(), 0).why, "unknown_kind");
  const Bytes large(core::kEventBytesMax + 1);
  EXPECT_EQ(check(stages::kIntake, large, 0).why, "too_large");
  const Bytes command = encoded(testing::open(1, "alice", 100));
  EXPECT_EQ(check(stages::kIntake, command, 0, stream::kReasonForeignLineage).why,
            "foreign_lineage")
      << "a whole record that the runtime put aside";
  Letter cut = letter_of(stages::kIntake, command, 0);
  ++cut.letter.bytes_total;
  EXPECT_EQ(check_letter(cut, kPartitions, kNow).why, "too_large") << "ops.dlq hasn't all of it";
}

TEST_F(R24Check, AnEventOfTheWrongPartitionOfAnInternalTopicFailsAgain) {
  wire::InflightCodec codec;
  const core::InflightEvent open = testing::open(1, "alice", 100);
  const Bytes bytes = to_bytes(codec.encode(open));
  const std::int32_t home = partition_of(as_bytes("alice"), kPartitions);
  EXPECT_EQ(check(stages::kAccount, bytes, home).verdict, Verdict::passes);
  EXPECT_EQ(check(stages::kAccount, bytes, 1 - home).why, "wrong_partition");
}

TEST_F(R24Check, TheBytesAreShownAsTheirStageReadsThem) {
  EXPECT_EQ(decoded_json(letter_of(stages::kIntake, encoded(testing::open(1, "alice", 100)), 0)),
            R"({"kind":"open_account","command_id":")" + to_string(testing::id(1)) +
                R"(","account":"alice","opening":"1.00 EUR"})");
  EXPECT_EQ(decoded_json(letter_of(stages::kIntake, as_bytes("\xff"), 0)), "null");
}

TEST(R8Senders, TasksAndHashesAreReadAsTheyAreShown) {
  EXPECT_EQ(parse_task("account/3"), (stream::SenderId{stages::kAccount, 3}));
  EXPECT_FALSE(parse_task("account"));
  EXPECT_FALSE(parse_task("nobody/3"));
  const Hash128 hash = hash128(as_bytes("x"));
  EXPECT_EQ(parse_hash(to_string(hash)), hash);
  EXPECT_FALSE(parse_hash("abc"));
  EXPECT_FALSE(parse_hash(std::string(31, '0') + "g"));
}

}  // namespace
}  // namespace kpay::ctl
