// R18: a standby follows by the readers' rule, and goes on from the takeover marker when promoted.
#include <gtest/gtest.h>

#include "stream/scenario.h"
#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Phase;
using Kind = stream::TaskNotice::Kind;

TestDriver::Options standby_world() {
  TestDriver::Options options = world();
  options.task.base_every = 5;
  return options;
}

class R18Standby : public ::testing::Test {
 protected:
  R18Standby() : driver_(standby_world()), owner_(driver_.start("first", {"source"})) {
    driver_.advance(100);
  }

  void work(int rounds) {
    for (int i = 0; i < rounds; ++i) {
      ++rounds_;
      driver_.pipe(kToyIn, 0, "a", "add n" + std::to_string(rounds_ % 5) + " b 1");
      driver_.pipe(kToyIn, 0, "a", "erase n" + std::to_string(rounds_ % 3));
      driver_.advance(1100);
    }
  }
  std::uint64_t followed() { return driver_.standby_status(standby_, "source").checkpoint; }
  std::uint64_t written() { return driver_.status(owner_, "source").checkpoint; }

  // The owner's process is gone; the standby's gets the partition.
  stream::TaskStatus promote() {
    driver_.kill(owner_);
    driver_.assign(standby_, "source");
    driver_.advance(100);
    return driver_.status(standby_, "source");
  }
  // What one process without faults would have made of the same input.
  std::vector<std::string> expected() {
    TestDriver other(standby_world());
    const auto process = other.start("disk", {"source"});
    other.advance(100);
    for (int i = 1; i <= rounds_; ++i) {
      other.pipe(kToyIn, 0, "a", "add n" + std::to_string(i % 5) + " b 1");
      other.pipe(kToyIn, 0, "a", "erase n" + std::to_string(i % 3));
    }
    other.advance(1100);
    return other.rows(process, "source");
  }

  TestDriver driver_;
  TestDriver::ProcessId owner_;
  TestDriver::ProcessId standby_ = 0;
  int rounds_ = 0;
};

TEST_F(R18Standby, FollowsAndAppendsNothing) {
  work(3);
  const std::size_t before = driver_.records("state.source.changelog").size();
  standby_ = driver_.start_standby("second", "source");
  driver_.run_until_idle();
  EXPECT_EQ(driver_.standby_status(standby_, "source").phase, Phase::standby);
  EXPECT_EQ(followed(), written());
  EXPECT_EQ(driver_.records("state.source.changelog").size(), before);
  EXPECT_EQ(driver_.task(standby_, "source"), nullptr) << "a standby is no task of its process";
  work(3);
  EXPECT_EQ(followed(), written());
}

TEST_F(R18Standby, GoesOnFromWhereItIs) {
  standby_ = driver_.start_standby("second", "source");
  work(12);  // with bases between
  const stream::TaskStatus status = promote();
  EXPECT_EQ(status.phase, Phase::running) << status.reason;
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
  work(2);
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
  EXPECT_EQ(driver_.count(Kind::store_set_aside), 0U);
}

TEST_F(R18Standby, WhatNoMarkerClosedIsDropped) {
  standby_ = driver_.start_standby("second", "source");
  work(3);
  driver_.kill_at_append(owner_, 3);  // outputs, then rows, never their marker
  work(1);
  const stream::TaskStatus status = promote();
  EXPECT_EQ(status.phase, Phase::running) << status.reason;
  driver_.advance(1100);
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
}

TEST_F(R18Standby, ItsFileFollowsToo) {
  standby_ = driver_.start_standby("second", "source");
  work(12);  // long enough to be written
  const std::uint64_t seen = followed();
  driver_.kill(standby_);
  standby_ = driver_.start_standby("second", "source");
  driver_.run_until_idle();
  EXPECT_EQ(followed(), seen);
  const stream::TaskStatus status = promote();
  EXPECT_EQ(status.phase, Phase::running) << status.reason;
  EXPECT_TRUE(status.store_was_used);
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
  // And the file that was written while it followed and when it took over is whole.
  driver_.kill(standby_);
  const auto next = driver_.start("second", {"source"});
  driver_.advance(100);
  EXPECT_TRUE(driver_.status(next, "source").store_was_used);
  EXPECT_EQ(driver_.rows(next, "source"), expected());
  EXPECT_EQ(driver_.count(Kind::store_set_aside), 0U);
}

TEST_F(R18Standby, PromotedWhileTheOwnerOnlySleepsItWinsAndTheOwnersRowsAreIgnored) {
  standby_ = driver_.start_standby("second", "source");
  work(3);
  driver_.freeze(owner_);
  driver_.pipe(kToyIn, 0, "a", "add n9 b 7");
  driver_.assign(standby_, "source");
  driver_.advance(1500);
  EXPECT_EQ(driver_.status(standby_, "source").phase, Phase::running);
  driver_.freeze(owner_, false);
  driver_.advance(100);
  EXPECT_EQ(driver_.status(owner_, "source").phase, Phase::fenced);
  EXPECT_EQ(driver_.received(kToyMid).diverged, 0U);
}

TEST_F(R18Standby, AStoreThatFailsIsTriedAgainAndNeverSkipped) {
  standby_ = driver_.start_standby("second", "source");
  work(2);
  driver_.store("second", "source").fail_commits(1000);
  work(8);
  EXPECT_GT(driver_.count(Kind::failed), 0U);
  driver_.store("second", "source").fail_commits(0);
  driver_.advance(20'000);
  EXPECT_EQ(followed(), written());
  const stream::TaskStatus status = promote();
  EXPECT_EQ(status.phase, Phase::running) << status.reason;
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
}

TEST_F(R18Standby, AChangelogThatWasTrimmedUnderItIsReadAgain) {
  standby_ = driver_.start_standby("second", "source");
  work(3);
  driver_.freeze(standby_);
  work(20);  // bases, and what is before them is deleted
  driver_.freeze(standby_, false);
  driver_.advance(30'000);
  EXPECT_EQ(followed(), written());
  promote();
  driver_.advance(1100);
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
}

// Found by the simulator: it waited for a marker that the log didn't have, and followed nothing.
TEST_F(R18Standby, AFileThatIsAheadOfTheLogIsSetAside) {
  TestDriver other(standby_world());
  other.start("other", {"source"});
  other.advance(100);
  for (int i = 0; i < 9; ++i) {
    other.pipe(kToyIn, 0, "a", "add n b 1");
    other.advance(1100);
  }
  work(4);
  driver_.store("second", "source") = other.store("other", "source");
  standby_ = driver_.start_standby("second", "source");
  driver_.run_until_idle();
  EXPECT_EQ(followed(), written());
  EXPECT_EQ(driver_.count(Kind::store_set_aside), 1U);
  EXPECT_EQ(promote().phase, Phase::running);
  EXPECT_EQ(driver_.rows(standby_, "source"), expected());
}

TEST_F(R18Standby, LetGoItIsNobody) {
  standby_ = driver_.start_standby("second", "source");
  work(1);
  driver_.process(standby_).host().set_standbys(0, {}, driver_.now_ms());
  EXPECT_TRUE(driver_.process(standby_).host().standbys().empty());
  EXPECT_TRUE(driver_.stop(standby_));
}

}  // namespace
}  // namespace kpay::test
