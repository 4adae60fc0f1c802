// R14, R16, R19: what of a changelog counts, record by record.
#include <gtest/gtest.h>

#include <algorithm>

#include "stream/changelog_reader.h"

namespace kpay::test {
namespace {

using stream::Marker;
using stream::OpenMarker;
using stream::Verdict;

// Writes a changelog as owners do, and feeds it to a reader.
class R14Reader : public ::testing::Test {
 protected:
  R14Reader() { EXPECT_EQ(open(OpenMarker::Kind::genesis), Verdict::opened); }

  Verdict feed(const Bytes& record) { return reader_.feed(next_++, record); }
  Verdict open(OpenMarker::Kind kind, std::int64_t previous = -1) {
    OpenMarker marker;
    marker.kind = kind;
    marker.identity.lineage.bytes[0] = lineage_;
    marker.previous_epoch = previous;
    return feed(stream::encode(marker));
  }
  Verdict takeover() {
    const Verdict verdict = open(OpenMarker::Kind::takeover);
    epoch_ = next_ - 1;
    return verdict;
  }
  static Bytes body(int rows) {
    Bytes bytes;
    ByteWriter out(bytes);
    for (int i = 0; i < rows; ++i) {
      stream::put_row(out, 0, as_bytes("key"), as_bytes(std::to_string(i)));
    }
    return bytes;
  }
  Verdict rows(std::uint64_t number, int count, bool base = false) {
    const Bytes bytes = body(count);
    digest_ = chain(digest_, bytes);
    counted_ += static_cast<std::uint32_t>(count);
    return feed(stream::encode(
        stream::RowFrame{base, epoch_, number, static_cast<std::uint32_t>(count), bytes}));
  }
  Marker next_marker() {
    Marker marker;
    marker.epoch = epoch_;
    marker.number = last_.number + 1;
    marker.rows = std::exchange(counted_, 0);
    marker.rows_digest = std::exchange(digest_, {});
    marker.previous_digest = last_.number == 0 ? Hash128{} : last_.digest();
    marker.state_hash = {marker.number, 7};
    return marker;
  }
  Verdict close(const Marker& marker) {
    const Verdict verdict = feed(stream::encode(marker));
    if (verdict == Verdict::checkpoint) {
      last_ = marker;
    }
    return verdict;
  }
  Verdict checkpoint(int count) {
    rows(last_.number + 1, count);
    return close(next_marker());
  }

  stream::ChangelogReader reader_{true};
  std::int64_t next_ = 0;
  std::int64_t epoch_ = -1;
  std::uint8_t lineage_ = 1;
  Marker last_;
  std::uint32_t counted_ = 0;
  Hash128 digest_;
};
using R16Reader = R14Reader;
using R21Reader = R14Reader;

TEST_F(R14Reader, AcceptsRowsWhenTheirMarkerFollows) {
  EXPECT_EQ(takeover(), Verdict::opened);
  EXPECT_EQ(rows(1, 2), Verdict::pending);
  EXPECT_EQ(rows(1, 3), Verdict::pending);
  EXPECT_EQ(close(next_marker()), Verdict::checkpoint);
  Bytes both = body(2);
  const Bytes second = body(3);
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_TRUE(equal(reader_.rows(), both));
  EXPECT_EQ(reader_.marker().number, 1U);
  EXPECT_EQ(checkpoint(0), Verdict::checkpoint) << "one without rows is one too";
  EXPECT_TRUE(reader_.rows().empty());
  EXPECT_TRUE(reader_.from_genesis());
}

TEST_F(R14Reader, AMarkerWithAnotherCountIsRejectedAndNothingLaterOfThatEpochIsAccepted) {
  takeover();
  ASSERT_EQ(checkpoint(2), Verdict::checkpoint);
  rows(2, 2);
  Marker wrong = next_marker();
  ++wrong.rows;
  EXPECT_EQ(close(wrong), Verdict::rejected);
  EXPECT_NE(reader_.reason().find("closes 3 rows, the log has 2"), std::string::npos);
  EXPECT_EQ(checkpoint(2), Verdict::ignored);
  EXPECT_EQ(reader_.marker().number, 1U);
  takeover();
  EXPECT_EQ(checkpoint(2), Verdict::checkpoint) << "the next owner goes on from what was accepted";
}

TEST_F(R14Reader, AMarkerWithAnotherDigestIsRejected) {
  takeover();
  rows(1, 2);
  Marker wrong = next_marker();
  wrong.rows_digest.low ^= 1;
  EXPECT_EQ(close(wrong), Verdict::rejected);
}

TEST_F(R14Reader, ALostRowFrameIsNoticedAtTheMarker) {
  takeover();
  rows(1, 2);
  const Bytes lost = body(1);
  digest_ = chain(digest_, lost);
  ++counted_;
  EXPECT_EQ(close(next_marker()), Verdict::rejected);
}

TEST_F(R14Reader, ADoubledRecordIsNoticed) {
  takeover();
  ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
  EXPECT_EQ(feed(stream::encode(last_)), Verdict::rejected);
}

TEST_F(R14Reader, RowsOfAnotherNumberAreDropped) {
  takeover();
  rows(7, 5);
  counted_ = 0;
  digest_ = {};
  EXPECT_EQ(checkpoint(2), Verdict::checkpoint);
  EXPECT_TRUE(equal(reader_.rows(), body(2)));
}

TEST_F(R14Reader, ABrokenChainIsRejected) {
  takeover();
  ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
  rows(2, 1);
  Marker other_past = next_marker();
  other_past.previous_digest.high ^= 1;
  EXPECT_EQ(close(other_past), Verdict::rejected);
  takeover();
  rows(3, 1);
  Marker skips = next_marker();
  skips.number = 3;
  EXPECT_EQ(close(skips), Verdict::rejected);
}

TEST_F(R14Reader, ABaseCountsWhenItClosesTheFirstMarkerOfARenewedEpoch) {
  takeover();
  ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
  ASSERT_EQ(open(OpenMarker::Kind::renewal, epoch_), Verdict::opened);
  epoch_ = next_ - 1;
  ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
  const Marker of = last_;
  rows(of.number, 4, true);
  const Hash128 digest = std::exchange(digest_, {});
  counted_ = 0;
  ASSERT_EQ(checkpoint(2), Verdict::checkpoint) << "checkpoints go on between a base's rows";
  const stream::BaseMarker base{epoch_, of.number, 4, digest, of.state_hash};
  EXPECT_EQ(feed(stream::encode(base)), Verdict::base);
  EXPECT_TRUE(equal(reader_.rows(), body(4)));
  EXPECT_EQ(reader_.base_of().number, of.number);
}

TEST_F(R14Reader, ABaseThatDoesNotFitIsRejected) {
  for (int fault = 0; fault < 5; ++fault) {
    takeover();
    ASSERT_EQ(open(OpenMarker::Kind::renewal, epoch_), Verdict::opened);
    epoch_ = next_ - 1;
    ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
    rows(last_.number, 4, true);
    stream::BaseMarker base{epoch_, last_.number, 4, digest_, last_.state_hash};
    counted_ = 0;
    digest_ = {};
    base.number += fault == 0 ? 1U : 0U;
    base.rows += fault == 1 ? 1U : 0U;
    base.rows_digest.low += fault == 2 ? 1U : 0U;
    base.state_hash.low += fault == 3 ? 1U : 0U;
    base.epoch -= fault == 4 ? 1 : 0;
    EXPECT_EQ(feed(stream::encode(base)), fault == 4 ? Verdict::ignored : Verdict::rejected)
        << fault;
  }
}

TEST_F(R14Reader, ABaseWithoutARenewalIsRejected) {
  takeover();
  ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
  const stream::BaseMarker base{epoch_, 1, 0, {}, last_.state_hash};
  EXPECT_EQ(feed(stream::encode(base)), Verdict::rejected);
}

TEST_F(R16Reader, ALaterTakeoverWinsAndTheFormerOwnersRecordsAreIgnored) {
  takeover();
  const std::int64_t former = epoch_;
  ASSERT_EQ(checkpoint(1), Verdict::checkpoint);
  rows(2, 1);
  takeover();
  epoch_ = former;
  EXPECT_EQ(close(next_marker()), Verdict::ignored) << "its rows stood before, its marker after";
  EXPECT_EQ(checkpoint(3), Verdict::ignored);
  epoch_ = next_ - 4;
  EXPECT_EQ(reader_.marker().number, 1U);
}

TEST_F(R16Reader, RowsFromBeforeATakeoverAreNotTheNewOwners) {
  takeover();
  rows(1, 5);
  counted_ = 0;
  digest_ = {};
  takeover();
  EXPECT_EQ(checkpoint(2), Verdict::checkpoint);
  EXPECT_TRUE(equal(reader_.rows(), body(2)));
}

TEST_F(R16Reader, ARenewalCountsOnlyForTheCurrentEpoch) {
  takeover();
  const std::int64_t zombie = epoch_;
  takeover();
  EXPECT_EQ(open(OpenMarker::Kind::renewal, zombie), Verdict::ignored);
  EXPECT_EQ(reader_.epoch(), epoch_);
  EXPECT_EQ(checkpoint(1), Verdict::checkpoint);
  EXPECT_EQ(open(OpenMarker::Kind::renewal, epoch_), Verdict::opened);
}

TEST_F(R16Reader, OpenMarkersOfAnotherLineageAndLateGenesesAreIgnored) {
  takeover();
  lineage_ = 2;
  EXPECT_EQ(open(OpenMarker::Kind::takeover), Verdict::ignored);
  lineage_ = 1;
  EXPECT_EQ(open(OpenMarker::Kind::genesis), Verdict::ignored);
  EXPECT_EQ(checkpoint(1), Verdict::checkpoint);
}

TEST_F(R16Reader, UnreadableRecordsAreIgnored) {
  takeover();
  Bytes broken = stream::encode(Marker{});
  broken[10] ^= std::byte{1};
  EXPECT_EQ(feed(broken), Verdict::ignored);
  EXPECT_EQ(feed({}), Verdict::ignored);
  OpenMarker unknown;
  unknown.kind = static_cast<OpenMarker::Kind>(9);
  EXPECT_EQ(feed(stream::encode(unknown)), Verdict::ignored) << "an open marker of no known kind";
  EXPECT_EQ(checkpoint(1), Verdict::checkpoint);
}

TEST_F(R21Reader, NothingOfAnOwnerCountsAfterItsCleanMarker) {
  takeover();
  rows(1, 1);
  Marker clean = next_marker();
  clean.clean = true;
  ASSERT_EQ(close(clean), Verdict::checkpoint);
  EXPECT_EQ(checkpoint(1), Verdict::rejected);
  takeover();
  EXPECT_EQ(checkpoint(1), Verdict::checkpoint);
}

TEST(R14Records, AreReadBackAsTheyWereWritten) {
  Marker marker;
  marker.epoch = 5;
  marker.number = 6;
  marker.clean = true;
  marker.registers.position = 9;
  marker.registers.now = {10};
  marker.registers.outputs[{1, 2}] = {3, {4, 5}};
  marker.registers.senders[{6, 7}] = {{8, {9, 10}}, true};
  const auto read = stream::decode_changelog(stream::encode(marker));
  ASSERT_TRUE(read && std::holds_alternative<Marker>(*read));
  EXPECT_EQ(std::get<Marker>(*read).registers, marker.registers);
  EXPECT_EQ(std::get<Marker>(*read).digest(), marker.digest());
  OpenMarker open;
  open.identity = {"cluster", {}, 12, {Uuid{}, Uuid{{1}}}};
  open.owner = "me";
  open.build = "1.2";
  const auto opened = stream::decode_changelog(stream::encode(open));
  ASSERT_TRUE(opened && std::holds_alternative<OpenMarker>(*opened));
  EXPECT_EQ(std::get<OpenMarker>(*opened).identity, open.identity);
  EXPECT_EQ(std::get<OpenMarker>(*opened).build, "1.2");
}

TEST(R14Records, AnyFlippedBitMakesThemUnreadable) {
  const Bytes record = stream::encode(Marker{});
  for (std::size_t byte = 0; byte < record.size(); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      Bytes flipped = record;
      flipped[byte] ^= static_cast<std::byte>(1 << bit);
      ASSERT_FALSE(stream::decode_changelog(flipped)) << byte << "." << bit;
    }
  }
}

// Two records with one digest, of which the hash says nothing.
TEST(R14Records, OtherBytesForTheSameMarkerAreUnreadable) {
  Marker marker;
  marker.registers.outputs[{0, 1}] = {7, {1, 2}};
  marker.registers.outputs[{0, 2}] = {9, {3, 4}};
  const Bytes right = encode(marker);
  ASSERT_TRUE(stream::decode_changelog(right).has_value());
  constexpr std::size_t kOutputBytes = 2 + 4 + 8 + 16;
  constexpr std::size_t kCleanAt = 4 + 8 + 8 + 4 + 16 + 16 + 16 + 4 + 16;
  constexpr std::size_t kOutputsAt = kCleanAt + 1 + 8 + 8 + 4;
  const auto is_read = [](Bytes record) {
    const std::size_t end = record.size() - 8;
    ByteWriter(record).put_at(end, checksum64(ByteView(record).first(end)));
    return stream::decode_changelog(record).has_value();
  };
  EXPECT_TRUE(is_read(right));
  Bytes flag = right;
  flag[kCleanAt] = std::byte{2};
  EXPECT_FALSE(is_read(flag)) << "a flag is 0 or 1";
  Bytes swapped = right;
  const auto outputs = swapped.begin() + kOutputsAt;
  std::swap_ranges(outputs, outputs + kOutputBytes, outputs + kOutputBytes);
  EXPECT_FALSE(is_read(swapped)) << "registers stand in order";
  Bytes twice = right;
  std::copy_n(twice.begin() + kOutputsAt, kOutputBytes, twice.begin() + kOutputsAt + kOutputBytes);
  EXPECT_FALSE(is_read(twice)) << "and each once";
}

TEST(R14Records, TheStateHashCoversEveryRegister) {
  stream::Registers registers;
  const Hash128 plain = stream::state_hash({}, registers);
  EXPECT_NE(stream::state_hash({1, 0}, registers), plain);
  registers.position = 1;
  const Hash128 moved = stream::state_hash({}, registers);
  EXPECT_NE(moved, plain);
  registers.now = {1};
  EXPECT_NE(stream::state_hash({}, registers), moved);
  registers.now = {};
  registers.senders[{1, 1}].refused = true;
  EXPECT_NE(stream::state_hash({}, registers), moved);
}

}  // namespace
}  // namespace kpay::test
