// R24: what closes dead letters, before anything is sent.
#include "daemons/ctl/letter_close.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "core/make.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::ctl {
namespace {

using testing::kNow;
using Json = nlohmann::json;

constexpr std::int32_t kPartitions = 2;

Letter letter(std::int64_t offset, std::int32_t partition, ByteView bytes) {
  Letter made;
  made.id = {stages::kIntake, partition, {offset, 0}};
  made.letter.bytes = to_bytes(bytes);
  made.letter.bytes_total = bytes.size();
  made.letter.reason = 100;
  return made;
}

// One that passes, one that moves, one that can't be read, one of which not all bytes are there,
// and one that is closed.
class R24LetterClose : public ::testing::Test {
 protected:
  R24LetterClose() {
    wire::CommandCodec codec;
    const core::Command open = testing::open(1, "alice", 100);
    const Bytes bytes = to_bytes(codec.encode(open));
    const std::int32_t home = partition_of(core::key_of(open), kPartitions);
    std::vector<Letter> all{letter(0, home, bytes), letter(1, 1 - home, bytes),
                            letter(2, 0, as_bytes("\xff\xff")), letter(3, home, bytes),
                            letter(4, home, bytes)};
    ++all[3].letter.bytes_total;
    all[4].state = LetterState::discarded;
    letters_ = check_open(std::move(all), kPartitions, kNow);
  }
  std::vector<bool> chosen() const {
    std::vector<bool> each;
    for (const LetterItem& item : letters_.items) {
      each.push_back(item.chosen);
    }
    return each;
  }

  OpenLetters letters_;
};

TEST_F(R24LetterClose, ADryRunSaysWhatWouldPassAndWhyTheRestWouldNot) {
  EXPECT_EQ(letters_.closed_before, 1U);
  const Answer answer = dry_replay(letters_);
  const Json json = Json::parse(answer.json);
  EXPECT_EQ(json["would_pass"], 2);
  EXPECT_EQ(json["would_fail"], 2);
  EXPECT_EQ(json["why"], (Json{{"undecodable", 1}, {"too_large", 1}}));
  EXPECT_EQ(json["closed_before"], 1);
  EXPECT_EQ(json["letters"][0]["verdict"], "passes");
  EXPECT_EQ(json["letters"][1]["verdict"], "moves");
  EXPECT_EQ(json["letters"][1]["to_partition"], letters_.items[0].letter.id.partition);
  EXPECT_EQ(json["letters"][2]["verdict"], "fails");
  EXPECT_EQ(answer.lines.size(), 4U);
  EXPECT_FALSE(letters_.items[0].chosen) << "it only looks";
}

TEST_F(R24LetterClose, WhatWouldFailIsSentOnlyByForceAndNeverInPart) {
  EXPECT_EQ(choose_for_replay(letters_, false), 2U);
  EXPECT_EQ(chosen(), (std::vector{true, true, false, false}));
  EXPECT_EQ(choose_for_replay(letters_, true), 3U);
  EXPECT_EQ(chosen(), (std::vector{true, true, true, false}));
}

}  // namespace
}  // namespace kpay::ctl
