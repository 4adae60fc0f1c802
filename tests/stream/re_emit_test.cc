// R26: what the log lost is told again by its owner, from a kept state, under the numbers and
// hashes that it had.
#include <gtest/gtest.h>

#include "stream/operators.h"

namespace kpay::test {
namespace {

using stream::Phase;
using stream::ReEmission;

constexpr std::size_t kSourceSpec = 0;
constexpr const char* kSourceChangelog = "state.source.changelog";

class R26ReEmit : public ::testing::Test {
 protected:
  R26ReEmit() : driver_(options()), owner_(driver_.start("first", {"source"})) {
    reader_ = driver_.start("reader", {"adder"});
    driver_.advance(100);
  }
  static TestDriver::Options options() {
    TestDriver::Options options = world();
    options.task.base_every = 3;
    return options;
  }

  void add(int records = 1, std::int64_t then_ms = 1100) {
    for (int i = 0; i < records; ++i) {
      ++added_;
      driver_.pipe(kToyIn, 0, "a", "add n" + std::to_string(added_ % 5) + " b 1");
    }
    driver_.advance(then_ms);
  }
  // The source's state as its store has it now: what a snapshot is.
  std::shared_ptr<ReEmission> keep() {
    struct Row {
      std::uint16_t table;
      Bytes key;
      Bytes value;
    };
    store::MemoryStore& store = driver_.store("first", "source");
    auto rows = std::make_shared<std::vector<Row>>();
    (void)store.load([&](const store::StoredRow& row) -> Result<void> {
      rows->push_back({row.table, to_bytes(row.key), to_bytes(*row.value)});
      return {};
    });
    auto kept = std::make_shared<ReEmission>();
    const Result<std::optional<Bytes>> marker = store.marker();
    kept->marker = std::get<stream::Marker>(*stream::decode_changelog(**marker));
    kept->rows = [rows](const ReEmission::RowSink& sink) -> Result<void> {
      for (const Row& row : *rows) {
        if (Result<void> taken = sink({row.table, row.key, ByteView(row.value)}); !taken) {
          return taken;
        }
      }
      return {};
    };
    return kept;
  }
  // The reader is away while the broker loses the newest record on its input.
  void lose_one() {
    driver_.kill(reader_);
    add();
    driver_.log().lose_last(driver_.topics().index_of(kToyMid), 0);
    add();
    reader_ = driver_.start("reader", {"adder"});
    driver_.advance(500);
  }
  bool tell_again(std::shared_ptr<ReEmission> from) {
    return driver_.process(owner_).host().re_emit(kSourceSpec, 0, std::move(from),
                                                  driver_.now_ms());
  }
  stream::TaskStatus source() { return driver_.status(owner_, "source"); }
  stream::TaskStatus adder() { return driver_.status(reader_, "adder"); }
  std::int64_t sum() { return sum_of(*driver_.task(reader_, "adder"), "b"); }
  std::string told() const {
    std::string text;
    for (const Noticed& each : driver_.notices()) {
      if (each.notice.kind == stream::TaskNotice::Kind::re_emission) {
        text += each.notice.text + "\n";
      }
    }
    return text;
  }
  // What one process without faults would have made of the same input.
  std::vector<std::string> expected() const {
    TestDriver other(options());
    const auto process = other.start("disk", {"source"});
    other.advance(100);
    for (int i = 1; i <= added_; ++i) {
      other.pipe(kToyIn, 0, "a", "add n" + std::to_string(i % 5) + " b 1");
    }
    other.advance(1100);
    return other.rows(process, "source");
  }

  TestDriver driver_;
  TestDriver::ProcessId owner_;
  TestDriver::ProcessId reader_ = 0;
  int added_ = 0;
};

TEST_F(R26ReEmit, WhatTheLogLostIsToldAgainAndTheReaderTakesItOnce) {
  add(3);
  const auto kept = keep();
  add(2);
  lose_one();
  ASSERT_TRUE(adder().gap) << "the reader names what it lacks";
  EXPECT_EQ(adder().gap->from, adder().gap->to);
  ASSERT_EQ(sum(), added_ - 2) << "the lost one, and the one behind it";
  const std::uint64_t checkpoint = source().checkpoint;
  ASSERT_TRUE(tell_again(kept));
  driver_.advance(2000);
  EXPECT_EQ(sum(), added_);
  EXPECT_FALSE(adder().gap);
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
  EXPECT_EQ(driver_.received(kToyMid).repeats, 2U) << "what was known, from the kept state on";
  EXPECT_FALSE(source().re_emitting);
  EXPECT_EQ(source().reason, "");
  EXPECT_NE(told().find("with the hash of marker " + std::to_string(checkpoint)), std::string::npos)
      << told();
  add(4);
  EXPECT_EQ(sum(), added_);
  EXPECT_GT(source().checkpoint, checkpoint);
  EXPECT_EQ(driver_.rows(owner_, "source"), expected());
  ASSERT_TRUE(driver_.stop(owner_));
  driver_.lose_disk("first");
  owner_ = driver_.start("first", {"source"});
  driver_.advance(1000);
  EXPECT_EQ(driver_.rows(owner_, "source"), expected()) << "the changelog has it all";
}

TEST_F(R26ReEmit, NeedsNothingThatTheChangelogHasTrimmed) {
  add(2);
  const auto kept = keep();
  for (int i = 0; i < 12; ++i) {
    add();
  }
  ASSERT_GT(source().bases, 1U);
  ASSERT_GT(driver_.log().bounds(driver_.topics().index_of(kSourceChangelog), 0).begin,
            kept->marker.epoch);
  lose_one();
  ASSERT_TRUE(tell_again(kept));
  driver_.advance(2000);
  EXPECT_EQ(sum(), added_);
  EXPECT_EQ(driver_.rows(owner_, "source"), expected());
}

TEST_F(R26ReEmit, WhatWasOverriddenSinceIsConsultedOnTheWay) {
  add(2);
  const auto kept = keep();
  stream::OperatorRecord record = record_for(driver_, "source");
  record.what = stream::OverrideInput{added_ + 1, stream::OverrideAction::skip, {}, {}};
  driver_.process(owner_).host().want_override(
      kSourceSpec, 0, {stream::OperatorVerdict::done, 0, {}, record}, driver_.now_ms());
  add(3);
  ASSERT_EQ(dead_letters(driver_).size(), 1U);
  const std::vector<std::string> rows = driver_.rows(owner_, "source");
  ASSERT_TRUE(tell_again(kept));
  driver_.advance(2000);
  EXPECT_NE(told().find("with the hash of marker"), std::string::npos) << told();
  EXPECT_EQ(driver_.rows(owner_, "source"), rows);
  EXPECT_EQ(dead_letters(driver_).size(), 1U);
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
  EXPECT_EQ(sum(), added_ - 1);
}

// New records come all the while, a few of the kept ones a step.
TEST_F(R26ReEmit, UnderLoadItIsOneStream) {
  add(2);
  const auto kept = keep();
  add(200);
  lose_one();
  driver_.process(owner_).set_records_per_pump(1);
  ASSERT_TRUE(tell_again(kept));
  bool seen = false;
  for (int i = 0; i < 300; ++i) {
    ++added_;
    driver_.pipe(kToyIn, 0, "a", "add n" + std::to_string(added_ % 5) + " b 1");
    driver_.step();
    seen = seen || source().re_emitting;
  }
  driver_.advance(5000);
  EXPECT_TRUE(seen);
  EXPECT_EQ(sum(), added_);
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
  EXPECT_EQ(driver_.received(kToyMid).early, 1U)
      << "what came behind the lost one, before it was healed";
  EXPECT_EQ(driver_.rows(owner_, "source"), expected());
}

// It dies, or is taken over, at any of its appends: the state is the last marker's, and what is
// still missing is told by the next try.
TEST_F(R26ReEmit, WhoeverDiesOnTheWayLeavesTheStateWhereItWas) {
  add(3);
  const auto kept = keep();
  add(3);
  lose_one();
  for (int append = 1; append <= 6; ++append) {
    ASSERT_TRUE(tell_again(kept)) << append;
    driver_.kill_at_append(owner_, append);
    driver_.advance(1500);
    if (driver_.alive(owner_)) {
      driver_.kill(owner_);
    }
    owner_ = driver_.start("first", {"source"});
    driver_.advance(2500);
    ASSERT_EQ(source().phase, Phase::running) << append;
    ASSERT_EQ(driver_.rows(owner_, "source"), expected()) << append;
    ASSERT_EQ(driver_.received(kToyMid).diverged, 0U) << append;
  }
  ASSERT_TRUE(tell_again(kept));
  driver_.advance(2000);
  EXPECT_EQ(sum(), added_);
}

TEST_F(R26ReEmit, OfAFormerOwnerEndsAtTheNextTakeover) {
  add(3);
  const auto kept = keep();
  add(50);
  lose_one();
  driver_.process(owner_).set_records_per_pump(1);
  ASSERT_TRUE(tell_again(kept));
  for (int i = 0; i < 30 && !source().re_emitting; ++i) {
    driver_.step();
  }
  ASSERT_TRUE(source().re_emitting);
  const auto second = driver_.start("second", {"source"});
  driver_.advance(100);
  EXPECT_FALSE(source().re_emitting);
  driver_.kill(owner_);
  driver_.advance(3000);
  owner_ = second;
  EXPECT_EQ(source().phase, Phase::running);
  EXPECT_EQ(driver_.rows(second, "source"), expected());
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
}

TEST_F(R26ReEmit, AStopOnTheWayWritesNoMarker) {
  add(3);
  const auto kept = keep();
  add(50);
  const std::uint64_t checkpoint = source().checkpoint;
  driver_.process(owner_).set_records_per_pump(1);
  ASSERT_TRUE(tell_again(kept));
  for (int i = 0; i < 30 && !source().re_emitting; ++i) {
    driver_.step();
  }
  ASSERT_TRUE(source().re_emitting);
  EXPECT_TRUE(driver_.stop(owner_));
  owner_ = driver_.start("first", {"source"});
  driver_.advance(100);
  EXPECT_EQ(source().checkpoint, checkpoint);
  EXPECT_EQ(driver_.rows(owner_, "source"), expected());
}

TEST_F(R26ReEmit, AStateOfAnotherHistoryIsRefusedAndTheTaskRunsOn) {
  add(3);
  const auto kept = keep();
  add(3);
  const auto is_refused = [&](const std::shared_ptr<ReEmission>& from, const std::string& why) {
    ASSERT_TRUE(tell_again(from));
    driver_.advance(3000);
    EXPECT_NE(told().find(why), std::string::npos) << told();
    EXPECT_EQ(source().phase, Phase::running);
    EXPECT_EQ(driver_.rows(owner_, "source"), expected());
  };
  const auto last = keep();
  is_refused(last, "nothing follows from it");
  const auto ahead = std::make_shared<ReEmission>(*kept);
  ahead->marker.registers.outputs.begin()->second.last += 1000;
  is_refused(ahead, "of another history");
  const auto other = std::make_shared<ReEmission>(*kept);
  other->marker.logic.version = 7;
  is_refused(other, "logic version 7");

  const auto damaged = std::make_shared<ReEmission>(*kept);
  damaged->rows = [](const ReEmission::RowSink&) {
    return Result<void>(Unexpected(ErrorCode::corrupt, "not what was kept"));
  };
  ASSERT_TRUE(tell_again(damaged));
  driver_.advance(3000);
  EXPECT_EQ(source().phase, Phase::running) << "it has begun anew, without it";
  EXPECT_EQ(driver_.rows(owner_, "source"), expected());
}

// A kept state that says of itself what is right, and isn't what this task had.
TEST_F(R26ReEmit, IsProvenByTheHashWhereTheLastMarkerStands) {
  add(3);
  const auto kept = keep();
  add(3);
  const auto forged = std::make_shared<ReEmission>(*kept);
  forged->rows = [](const ReEmission::RowSink&) { return Result<void>(); };
  forged->marker.state_hash = stream::state_hash({}, forged->marker.registers);
  ASSERT_TRUE(tell_again(forged));
  driver_.advance(1000);
  EXPECT_EQ(source().phase, Phase::held);
  EXPECT_NE(source().reason.find("doesn't have the hash of marker"), std::string::npos)
      << source().reason;
}

}  // namespace
}  // namespace kpay::test
