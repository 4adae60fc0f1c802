// R16, R19, R21, R28: who owns a task, and who never does.
#include <gtest/gtest.h>

#include "stream/scenario.h"
#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::OpenMarker;
using stream::Phase;
using Kind = stream::TaskNotice::Kind;

constexpr const char* kChangelog = "state.source.changelog";

class R16Takeover : public ::testing::Test {
 protected:
  R16Takeover() : driver_(world()) {}
  void add(int times = 1) {
    for (int i = 0; i < times; ++i) {
      driver_.pipe(kToyIn, 0, "a", "add a b 1");
    }
  }
  stream::TaskStatus status(TestDriver::ProcessId id) { return driver_.status(id, "source"); }

  TestDriver driver_;
};
using R21Switch = R16Takeover;
using R28Release = R16Takeover;

TEST_F(R16Takeover, NothingIsEmittedBeforeItWasReadBack) {
  add(5);
  const auto process = driver_.start("disk", {"source"});
  while (status(process).phase != Phase::running) {
    EXPECT_EQ(driver_.received(kToyMid).frames, 0U);
    driver_.step();
  }
  driver_.run_until_idle();
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 5U);
}

TEST_F(R16Takeover, WaitsForItsAcknowledgement) {
  add();
  const auto process = driver_.start("disk", {"source"});
  driver_.process(process).hold_acknowledgements(true);
  driver_.advance(5000);
  EXPECT_EQ(status(process).phase, Phase::restoring);
  EXPECT_EQ(driver_.received(kToyMid).frames, 0U);
  driver_.process(process).hold_acknowledgements(false);
  driver_.run_until_idle();
  EXPECT_EQ(status(process).phase, Phase::running);
}

TEST_F(R16Takeover, ItsOffsetIsTheEpoch) {
  const auto process = driver_.start("disk", {"source"});
  driver_.run_until_idle();
  EXPECT_EQ(status(process).epoch, 1);
  EXPECT_TRUE(driver_.stop(process));
  const auto next = driver_.start("disk", {"source"});
  driver_.run_until_idle();
  EXPECT_EQ(status(next).epoch, static_cast<std::int64_t>(driver_.records(kChangelog).size()) - 1);
}

TEST_F(R16Takeover, OfTwoThatRaceTheLaterOneWins) {
  add(3);
  const auto first = driver_.start("one", {"source"});
  const auto second = driver_.start("two", {"source"});
  driver_.run_until_idle();
  EXPECT_EQ(status(first).phase, Phase::fenced);
  EXPECT_EQ(status(second).phase, Phase::running);
  EXPECT_NE(status(first).reason.find("a newer takeover"), std::string::npos);
  EXPECT_EQ(driver_.received(kToyMid).texts(), (std::vector<std::string>{"b 1", "b 1", "b 1"}));
}

TEST_F(R16Takeover, WhoIsFencedThoughThePartitionIsItsTakesOverAgainWithGrowingPauses) {
  const auto process = driver_.start("disk", {"source"});
  driver_.run_until_idle();
  std::vector<std::int64_t> pauses;
  for (int i = 0; i < 5; ++i) {
    OpenMarker late = driver_.genesis("source");
    late.kind = OpenMarker::Kind::takeover;
    late.nonce.bytes[0] = static_cast<std::uint8_t>(i + 1);
    late.owner = "dead since";
    driver_.append(kChangelog, 0, stream::encode(late));
    driver_.run_until_idle();
    EXPECT_EQ(status(process).phase, Phase::fenced);
    EXPECT_NE(status(process).reason.find("dead since"), std::string::npos);
    const std::int64_t since = driver_.now_ms();
    while (status(process).phase != Phase::running) {
      driver_.advance(50);
    }
    pauses.push_back(driver_.now_ms() - since);
  }
  EXPECT_GE(pauses.front(), 150);
  EXPECT_LE(pauses.front(), 500);
  EXPECT_GT(pauses.back(), 2000);
  add();
  driver_.advance(1500);
  EXPECT_TRUE(driver_.stop(process));
}

TEST_F(R16Takeover, WhoIsNotAssignedTakesNothingOver) {
  const auto process = driver_.start("one", {"source"});
  driver_.run_until_idle();
  driver_.process(process).host().lose(0, 0);
  const std::size_t before = driver_.records(kChangelog).size();
  driver_.advance(60'000);
  EXPECT_EQ(driver_.records(kChangelog).size(), before);
  EXPECT_EQ(driver_.task(process, "source"), nullptr);
}

// A zombie's rows and marker after the takeover, byte for byte as it would write them.
TEST_F(R16Takeover, AZombiesRowsAreIgnoredAndPaged) {
  const auto zombie = driver_.start("one", {"source"});
  add();
  driver_.advance(1500);
  const std::int64_t old_epoch = status(zombie).epoch;
  const stream::Marker last = last_marker(driver_, "source");
  driver_.freeze(zombie);
  const auto owner = driver_.start("two", {"source"});
  driver_.advance(100);
  Bytes body;
  ByteWriter out(body);
  stream::put_row(out, 0, as_bytes("a"), std::nullopt);
  driver_.append(kChangelog, 0,
                 stream::encode(stream::RowFrame{false, old_epoch, last.number + 1, 1, body}));
  stream::Marker marker = last;
  marker.number = last.number + 1;
  marker.previous_digest = last.digest();
  marker.rows = 1;
  marker.rows_digest = chain({}, body);
  driver_.append(kChangelog, 0, stream::encode(marker));
  add();
  driver_.advance(1500);
  EXPECT_EQ(driver_.count(Kind::zombie_record), 2U);
  EXPECT_EQ(status(owner).phase, Phase::running);
  EXPECT_TRUE(driver_.stop(owner));
  const auto next = driver_.start("three", {"source"});
  driver_.advance(100);
  EXPECT_EQ(sum_of(*driver_.task(next, "source"), "a"), -2);
}

TEST_F(R16Takeover, AZombieThatWakesDropsTheTaskAndItsOutputsAreRepeats) {
  const auto zombie = driver_.start("one", {"source"});
  driver_.advance(100);
  driver_.freeze(zombie);
  add(3);
  const auto owner = driver_.start("two", {"source"});
  driver_.advance(1500);
  driver_.freeze(zombie, false);
  driver_.run_until_idle();
  EXPECT_EQ(status(zombie).phase, Phase::fenced);
  EXPECT_EQ(status(owner).phase, Phase::running);
  const ReceivedTopic mid = driver_.received(kToyMid);
  EXPECT_EQ(mid.events.size(), 3U);
  EXPECT_EQ(mid.diverged, 0U);
}

TEST_F(R16Takeover, AZombiesRenewalIsIgnored) {
  const auto zombie = driver_.start("one", {"source"});
  driver_.advance(100);
  driver_.freeze(zombie);
  const auto owner = driver_.start("two", {"source"});
  driver_.advance(100);
  const std::int64_t epoch = status(owner).epoch;
  OpenMarker renewal = driver_.genesis("source");
  renewal.kind = OpenMarker::Kind::renewal;
  renewal.previous_epoch = status(zombie).epoch;
  driver_.append(kChangelog, 0, stream::encode(renewal));
  add();
  driver_.advance(1500);
  EXPECT_EQ(status(owner).phase, Phase::running);
  EXPECT_EQ(status(owner).epoch, epoch);
  EXPECT_EQ(status(owner).checkpoint, 1U);
}

TEST_F(R16Takeover, BugAZombieBehindATrimIsNotHeldForAnOperator) {
  TestDriver::Options options = world();
  options.task.base_every = 2;
  TestDriver driver(options);
  const auto zombie = driver.start("one", {"source"});
  driver.advance(100);
  driver.freeze(zombie);
  const auto owner = driver.start("two", {"source"});
  for (int i = 0; i < 8; ++i) {
    driver.pipe(kToyIn, 0, "a", "add a b 1");
    driver.advance(1100);
  }
  EXPECT_GE(driver.count(Kind::base_accepted), 1U);
  driver.freeze(zombie, false);
  driver.run_until_idle();
  EXPECT_EQ(driver.status(zombie, "source").phase, Phase::failed);
  EXPECT_EQ(driver.count(Kind::held), 0U);
  EXPECT_EQ(driver.status(owner, "source").phase, Phase::running);
}

TEST_F(R16Takeover, BugAnOpenMarkerThatIsDoubledMakesTheOwnerTakeOverAgain) {
  const auto process = driver_.start("disk", {"source"});
  driver_.advance(100);
  driver_.append(kChangelog, 0, driver_.records(kChangelog).back());
  add();
  driver_.advance(3000);
  EXPECT_EQ(status(process).phase, Phase::running);
  EXPECT_EQ(status(process).checkpoint, 1U);
  EXPECT_EQ(driver_.count(Kind::failed), 1U);
}

TEST_F(R16Takeover, BugAForgedMarkerOfTheOwnersEpochHoldsTheTaskAndNotTheProcess) {
  const auto process = driver_.start("disk");
  driver_.advance(100);
  stream::Marker forged;
  forged.epoch = status(process).epoch;
  forged.number = 1;
  driver_.append(kChangelog, 0, stream::encode(forged));
  driver_.run_until_idle();
  EXPECT_EQ(status(process).phase, Phase::held);
  EXPECT_EQ(driver_.status(process, "adder").phase, Phase::running);
}

TEST_F(R16Takeover, ARejectedMarkerMakesTheOwnerTakeOverAgain) {
  const auto process = driver_.start("disk", {"source"});
  driver_.advance(100);
  stream::Marker wrong;
  wrong.epoch = status(process).epoch;
  wrong.number = 1;
  wrong.rows = 5;
  driver_.append(kChangelog, 0, stream::encode(wrong));
  add();
  driver_.advance(3000);
  EXPECT_EQ(driver_.count(Kind::checkpoint_rejected), 1U);
  EXPECT_EQ(status(process).phase, Phase::running);
  EXPECT_EQ(status(process).checkpoint, 1U);
}

// ---- R19

TestDriver::Options without_genesis() {
  TestDriver::Options options = world();
  options.write_genesis = false;
  return options;
}

// The task is held, and the log is as it was.
void expect_refused(TestDriver& driver, const std::string& why) {
  const std::size_t before = driver.records(kChangelog).size();
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.advance(30'000);
  const stream::TaskStatus status = driver.status(process, "source");
  EXPECT_EQ(status.phase, Phase::held);
  EXPECT_NE(status.reason.find(why), std::string::npos) << status.reason;
  EXPECT_EQ(driver.records(kChangelog).size(), before) << "it appends nothing";
  EXPECT_EQ(driver.received(kToyMid).frames, 0U);
}

TEST(R19Genesis, BugATaskThatComesBeforeItWaitsForItAndAppendsNothing) {
  TestDriver driver(without_genesis());
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.advance(30'000);
  EXPECT_EQ(driver.status(process, "source").phase, Phase::failed);
  EXPECT_NE(driver.status(process, "source").reason.find("no genesis yet"), std::string::npos);
  EXPECT_TRUE(driver.records(kChangelog).empty());
  driver.append(kChangelog, 0, stream::encode(driver.genesis("source")));
  driver.advance(30'000);
  EXPECT_EQ(driver.status(process, "source").phase, Phase::running);
  EXPECT_EQ(driver.received(kToyMid).frames, 1U);
}

TEST(R19Genesis, AnythingElseAtTheBeginningIsNone) {
  const auto first_is = [](const Bytes& record) {
    TestDriver driver(without_genesis());
    driver.append(kChangelog, 0, record);
    expect_refused(driver, "neither genesis nor an open marker");
  };
  TestDriver other(world());
  OpenMarker takeover = other.genesis("source");
  takeover.kind = OpenMarker::Kind::takeover;
  first_is(stream::encode(takeover));
  first_is(stream::encode(stream::Marker{}));
  first_is(to_bytes(as_bytes("what is this")));
}

TEST(R19Genesis, AfterATrimItMustBeAnOpenMarker) {
  TestDriver driver(world());
  driver.append(kChangelog, 0, stream::encode(stream::Marker{}));
  driver.append(kChangelog, 0, stream::encode(driver.genesis("source")));
  driver.log().delete_before(driver.topics().index_of(kChangelog), 0, 1);
  expect_refused(driver, "neither genesis nor an open marker");
}

TEST(R19Genesis, OfAnotherClusterTopicOrPartitionCountATaskRefuses) {
  const auto refuses = [](const std::function<void(stream::Identity&)>& alter, const char* why) {
    TestDriver driver(without_genesis());
    OpenMarker genesis = driver.genesis("source");
    alter(genesis.identity);
    driver.append(kChangelog, 0, stream::encode(genesis));
    expect_refused(driver, why);
  };
  refuses([](stream::Identity& identity) { identity.cluster_id = "mirror"; }, "cluster mirror");
  refuses([](stream::Identity& identity) { identity.partitions = 7; }, "7 partitions");
  refuses([](stream::Identity& identity) { identity.topic_ids[0].bytes[0] ^= 1; }, "made anew");
  refuses([](stream::Identity& identity) { identity.topic_ids.pop_back(); }, "made anew");
}

TEST(R19Genesis, AChangelogThatIsEmptiedIsRefused) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.advance(100);
  EXPECT_TRUE(driver.stop(process));
  driver.log().delete_before(driver.topics().index_of(kChangelog), 0, 1'000'000);
  expect_refused(driver, "the changelog is empty");
}

// ---- R21, R28

TEST_F(R21Switch, AReleasedTaskEndsWithACleanMarkerAndTheNextOneGoesOn) {
  const auto process = driver_.start("disk", {"source"});
  add(2);
  driver_.advance(100);
  EXPECT_TRUE(driver_.stop(process));
  const stream::Marker marker = last_marker(driver_, "source");
  EXPECT_TRUE(marker.clean);
  EXPECT_EQ(marker.registers.position, 2);
  const auto next = driver_.start("disk", {"source"});
  driver_.run_until_idle();
  EXPECT_EQ(status(next).position, 2);
  EXPECT_EQ(driver_.received(kToyMid).repeats, 0U);
}

TEST_F(R21Switch, StateOfAnotherLogicVersionIsHeld) {
  const auto process = driver_.start("disk");
  add();
  driver_.advance(1500);
  EXPECT_TRUE(driver_.stop(process));
  driver_.set_logic_version("source", 2);
  for (const char* disk : {"disk", "another"}) {
    const auto next = driver_.start(disk);
    driver_.run_until_idle();
    EXPECT_EQ(status(next).phase, Phase::held);
    EXPECT_NE(status(next).reason.find("refused by version"), std::string::npos);
    EXPECT_EQ(driver_.status(next, "adder").phase, Phase::running) << "the daemon goes on";
    driver_.kill(next);
  }
}

TEST_F(R28Release, FinishesWhatIsInHand) {
  const auto process = driver_.start("disk", {"source"});
  driver_.advance(100);
  driver_.process(process).hold_acknowledgements(true);
  add(3);
  driver_.advance(200);
  driver_.process(process).host().release(0, 0);
  driver_.advance(1000);
  EXPECT_FALSE(driver_.process(process).host().all_released())
      << "its outputs are not acknowledged";
  driver_.process(process).hold_acknowledgements(false);
  driver_.run_until_idle();
  EXPECT_TRUE(driver_.process(process).host().all_released());
  EXPECT_EQ(driver_.process(process).host().size(), 0U);
  EXPECT_TRUE(last_marker(driver_, "source").clean);
}

TEST_F(R28Release, OfATaskThatDoesNotRunYetWritesNothing) {
  driver_.run_until_idle();
  for (int steps = 0; steps < 6; ++steps) {
    const auto process = driver_.start("disk", {"source"});
    for (int i = 0; i < steps; ++i) {
      driver_.step();
    }
    const bool ran = status(process).phase == Phase::running;
    EXPECT_TRUE(driver_.stop(process));
    EXPECT_EQ(last_marker(driver_, "source").number > 0, ran) << steps;
    if (ran) {
      break;
    }
  }
}

TEST_F(R28Release, LosingDropsEverythingAtOnce) {
  const auto process = driver_.start("one", {"source"});
  driver_.advance(100);
  add(3);
  driver_.step();
  driver_.process(process).host().lose(0, 0);
  EXPECT_EQ(driver_.process(process).host().size(), 0U);
  const std::size_t records = driver_.records(kChangelog).size();
  driver_.advance(3000);
  EXPECT_EQ(driver_.records(kChangelog).size(), records);
  const auto next = driver_.start("two", {"source"});
  driver_.advance(1500);
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 3U);
  EXPECT_EQ(status(next).checkpoint_position, 3);
}

TEST_F(R28Release, APartitionThatComesBackWhileItIsReleasedIsTakenOverAnew) {
  const auto process = driver_.start("disk", {"source"});
  driver_.advance(100);
  driver_.process(process).hold_acknowledgements(true);
  add();
  driver_.advance(100);
  driver_.process(process).host().release(0, 0);
  driver_.advance(100);
  driver_.process(process).host().assign(0, 0, driver_.now_ms());
  driver_.process(process).hold_acknowledgements(false);
  driver_.advance(3000);
  EXPECT_EQ(status(process).phase, Phase::running);
  EXPECT_EQ(status(process).checkpoint_position, 1);
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 1U);
}

TEST_F(R28Release, ATaskThatWasFencedOrFailedIsReleasedAtOnce) {
  const auto first = driver_.start("one", {"source"});
  driver_.start("two", {"source"});
  driver_.run_until_idle();
  ASSERT_EQ(status(first).phase, Phase::fenced);
  driver_.process(first).host().release(0, 0);
  driver_.step();
  EXPECT_TRUE(driver_.process(first).host().all_released());
}

}  // namespace
}  // namespace kpay::test
