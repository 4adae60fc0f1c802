// R6, R7, R9: frames, numbers and running hashes as bytes.
#include "stream/frame.h"

#include <gtest/gtest.h>

#include <limits>

#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Frame;
using stream::read_frame;

TEST(R7Frame, IsReadBackAsItWasCut) {
  Sender sender{{{1, 2, 3}}, {kSource, 5}, {}};
  (void)sender.frame({"first"});
  const stream::Sequence before = sender.sequence;
  const Bytes record = sender.frame({"one", "", "three"}, {42});
  Frame frame;
  ASSERT_TRUE(read_frame(record, frame));
  EXPECT_EQ(frame.lineage, sender.lineage);
  EXPECT_EQ(frame.sender, sender.id);
  EXPECT_EQ(frame.first, 2U);
  EXPECT_EQ(frame.last(), 4U);
  EXPECT_EQ(frame.before, before.hash);
  ASSERT_EQ(frame.events.size(), 3U);
  EXPECT_EQ(as_text(frame.events[0].payload), "one");
  EXPECT_EQ(as_text(frame.events[1].payload), "");
  EXPECT_EQ(as_text(frame.events[2].payload), "three");
  EXPECT_EQ(frame.events[2].header.time.ms, 42);
}

TEST(R7Frame, TheRunningHashDoesNotDependOnWhereFramesAreCut) {
  Sender whole{{}, {kSource, 0}, {}};
  Sender cut{{}, {kSource, 0}, {}};
  for (const char* text : {"a", "b", "c"}) {
    (void)cut.frame({text});
    // The cause is in the bytes: the same events have the same cause, however they are cut.
  }
  stream::FrameBuilder builder;
  for (const char* text : {"a", "b", "c"}) {
    stream::EventHeader header;
    header.payload_bytes = 1;
    header.cause_offset = static_cast<std::int64_t>(whole.sequence.last);
    header.time = {1'700'000'001'000};
    builder.add(header, as_bytes(text), whole.sequence);
  }
  EXPECT_EQ(whole.sequence, cut.sequence);
}

TEST(R7Frame, AnotherPayloadTimeSubjectOrCauseGivesAnotherHash) {
  const auto hash_of = [](const stream::EventHeader& header, std::string_view payload) {
    stream::FrameBuilder builder;
    stream::Sequence sequence;
    stream::EventHeader complete = header;
    complete.payload_bytes = static_cast<std::uint32_t>(payload.size());
    builder.add(complete, as_bytes(payload), sequence);
    return sequence.hash;
  };
  const Hash128 plain = hash_of({}, "x");
  stream::EventHeader other;
  other.time = {1};
  EXPECT_NE(hash_of(other, "x"), plain);
  other = {};
  other.subject.bytes[3] = 1;
  EXPECT_NE(hash_of(other, "x"), plain);
  other = {};
  other.cause_offset = 1;
  EXPECT_NE(hash_of(other, "x"), plain);
  other = {};
  other.cause_index = 1;
  EXPECT_NE(hash_of(other, "x"), plain);
  EXPECT_NE(hash_of({}, "y"), plain);
}

TEST(R9Frame, AnyFlippedBitOfTheHeaderMakesItUnreadable) {
  Sender sender;
  const Bytes record = sender.frame({"one", "two"});
  const std::size_t headers =
      stream::kFrameHeaderBytes + 2 * stream::kEventHeaderBytes + stream::kFrameChecksumBytes;
  Frame frame;
  for (std::size_t byte = 0; byte < headers; ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = record;
      flipped[byte] ^= static_cast<std::byte>(1 << bit);
      ASSERT_FALSE(read_frame(flipped, frame)) << byte << "." << bit;
    }
  }
}

TEST(R9Frame, ACutOrLongerRecordIsUnreadable) {
  Sender sender;
  const Bytes record = sender.frame({"one", "two"});
  Frame frame;
  for (std::size_t size = 0; size < record.size(); ++size) {
    ASSERT_FALSE(read_frame(ByteView(record).first(size), frame)) << size;
  }
  Bytes longer = record;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(read_frame(longer, frame));
}

TEST(R9Frame, ACountThatCannotBeDoesNotAllocate) {
  Bytes record(200, std::byte{0});
  ByteWriter out(record);
  record[0] = std::byte{'K'};
  record[1] = std::byte{'F'};
  record[2] = std::byte{1};
  out.put_at(4, std::uint32_t{0xffffffff});
  Frame frame;
  EXPECT_FALSE(read_frame(record, frame));
  EXPECT_LT(frame.events.capacity(), 1000U);
}

TEST(R7Frame, WhoseNumbersWouldWrapIsUnreadable) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  for (const auto& [before, readable] : {std::pair(kMost - 3, true), std::pair(kMost - 1, false)}) {
    Sender sender{{}, {kSource, 0}, {}};
    sender.sequence.last = before;
    Frame frame;
    EXPECT_EQ(read_frame(sender.frame({"a", "b"}), frame), readable) << before;
  }
}

TEST(R9Frame, WhatAnotherVersionMayPutInItsReservedFieldsMakesItUnreadable) {
  Sender sender{{}, {kSource, 0}, {}};
  const Bytes right = sender.frame({"a"});
  for (const std::size_t reserved : {26U, 76U}) {
    Bytes record = right;
    record[reserved] = std::byte{1};
    const std::size_t end = stream::kFrameHeaderBytes + stream::kEventHeaderBytes;
    ByteWriter(record).put_at(end, checksum64(ByteView(record).first(end)));
    Frame frame;
    EXPECT_FALSE(read_frame(record, frame)) << reserved;
  }
}

TEST(R4Tick, IsKnownByItsBytesAndIsNoFrame) {
  Frame frame;
  EXPECT_TRUE(stream::is_tick(stream::make_tick()));
  EXPECT_TRUE(stream::is_runtime_record(stream::make_tick()));
  EXPECT_FALSE(read_frame(stream::make_tick(), frame));
  EXPECT_FALSE(stream::is_tick(as_bytes("KT")));
}

}  // namespace
}  // namespace kpay::test
