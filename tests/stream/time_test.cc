// R3, R4: time is a field of the event; a jump waits for an operator; ticks come on idle inputs.
#include <gtest/gtest.h>

#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Phase;

constexpr std::int64_t kMinute = 60'000;

class R3Time : public ::testing::Test {
 protected:
  R3Time() : driver_(world()) {
    process_ = driver_.start("disk", {"source"});
    driver_.advance(100);
  }
  stream::TaskStatus status() { return driver_.status(process_, "source"); }
  void add() {
    driver_.pipe(kToyIn, 0, "a", "add a b 1");
    driver_.run_until_idle();
  }

  TestDriver driver_;
  TestDriver::ProcessId process_ = 0;
};

TEST_F(R3Time, NowNeverGoesBack) {
  driver_.set_broker_skew(10 * kMinute);
  add();
  const Timestamp ahead = status().now;
  EXPECT_EQ(ahead, driver_.log_time());
  driver_.set_broker_skew(-10 * kMinute);
  add();
  EXPECT_EQ(status().now, ahead);
  const ReceivedTopic mid = driver_.received(kToyMid);
  EXPECT_EQ(mid.events.back().time, driver_.log_time()) << "the event keeps its own time";
}

TEST_F(R3Time, AJumpBeyondTheBoundWaitsUntilAnOperatorAcknowledgesIt) {
  add();
  driver_.set_broker_skew(31 * kMinute);
  add();
  add();
  EXPECT_TRUE(status().time_waiting);
  EXPECT_EQ(status().phase, Phase::running);
  EXPECT_NE(status().reason.find("time jumps"), std::string::npos);
  EXPECT_EQ(driver_.count(stream::TaskNotice::Kind::time_jump), 1U);
  driver_.advance(20'000);
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 1U) << "it waits, and pages";
  driver_.task(process_, "source")->acknowledge_time();
  driver_.advance(100);
  EXPECT_FALSE(status().time_waiting);
  EXPECT_EQ(status().reason, "");
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 3U);
  EXPECT_GT(status().now.ms, driver_.log_time().ms - kMinute);
}

TEST_F(R3Time, AnAcknowledgementCoversThatJumpAndNoLaterOne) {
  add();
  driver_.set_broker_skew(31 * kMinute);
  add();
  driver_.task(process_, "source")->acknowledge_time();
  driver_.set_broker_skew(70 * kMinute);
  add();
  EXPECT_TRUE(status().time_waiting);
}

TEST_F(R3Time, WithinTheBoundTimeJustPasses) {
  add();
  driver_.set_broker_skew(29 * kMinute);
  add();
  EXPECT_FALSE(status().time_waiting);
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 2U);
}

TEST_F(R3Time, ATaskThatWaitsIsReleasedBeforeTheRecord) {
  add();
  driver_.set_broker_skew(31 * kMinute);
  add();
  ASSERT_TRUE(status().time_waiting);
  EXPECT_TRUE(driver_.stop(process_));
  process_ = driver_.start("disk", {"source"});
  driver_.advance(100);
  EXPECT_TRUE(status().time_waiting) << "its successor waits too";
  EXPECT_EQ(status().position, 1);
}

TEST_F(R3Time, BugAcknowledgingTheTimeOfATaskThatLetGoDoesNothing) {
  add();
  driver_.set_broker_skew(31 * kMinute);
  add();
  const std::shared_ptr<stream::Task> task = driver_.task(process_, "source");
  task->stop();
  task->acknowledge_time();
  driver_.run_until_idle();
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 1U);
  task->drop();
  task->acknowledge_time();
  driver_.run_until_idle();
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 1U);
}

TEST(R3FrameTime, IsTheEventsOwnAndNotTheAppendTimeOfTheFrame) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"adder"});
  Sender sender = sender_of(driver);
  driver.append(kToyMid, 0, sender.frame({"a 1"}, {5000}));
  driver.run_until_idle();
  EXPECT_EQ(driver.status(process, "adder").now.ms, 5000);
  EXPECT_EQ(driver.received(kToyOut).events.front().time.ms, 5000);
  driver.append(kToyMid, 0, sender.frame({"a 1", "a 1"}, {5000 + 31 * kMinute}));
  driver.run_until_idle();
  EXPECT_TRUE(driver.status(process, "adder").time_waiting);
}

TestDriver::Options ticking() {
  TestDriver::Options options = world();
  options.task.tick_after_ms = 1000;
  return options;
}

std::size_t ticks_in(const TestDriver& driver, const std::string& topic) {
  std::size_t ticks = 0;
  for (const Bytes& record : driver.records(topic)) {
    ticks += stream::is_tick(record) ? 1 : 0;
  }
  return ticks;
}

TEST(R4Ticks, AnIdleInputGetsOneEachSecondAndABusyOneNone) {
  TestDriver driver(ticking());
  driver.start("disk", {"source"});
  driver.advance(5000);
  EXPECT_GE(ticks_in(driver, kToyIn), 3U);
  EXPECT_LE(ticks_in(driver, kToyIn), 6U);
  const std::size_t before = ticks_in(driver, kToyIn);
  for (int i = 0; i < 10; ++i) {
    driver.pipe(kToyIn, 0, "a", "add a b 1");
    driver.advance(500);
  }
  EXPECT_EQ(ticks_in(driver, kToyIn), before);
}

TEST(R4Ticks, WhatIsDueHappensOnAnIdleSystemWithinTwoSeconds) {
  TestDriver driver(ticking());
  driver.start("disk");
  driver.pipe(kToyIn, 0, "a", "timer t");
  driver.advance(kToyTimerMs - 100);
  EXPECT_TRUE(driver.received(kToyOut).events.empty());
  driver.advance(2100);
  EXPECT_EQ(driver.received(kToyOut).texts(), std::vector<std::string>{"t 1"});
}

TEST(R4Ticks, TwoOwnersTickingAreHarmless) {
  TestDriver driver(ticking());
  driver.start("disk");
  driver.pipe(kToyIn, 0, "a", "timer t");
  for (int i = 0; i < 40; ++i) {
    driver.append(kToyIn, 0, stream::make_tick());
    driver.append(kToyMid, 0, stream::make_tick());
    driver.advance(200);
  }
  EXPECT_EQ(driver.received(kToyOut).texts(), std::vector<std::string>{"t 1"});
}

TEST(R4Ticks, APausedOrWaitingTaskWritesNone) {
  TestDriver driver(ticking());
  const auto process = driver.start("disk", {"source"});
  driver.advance(100);
  driver.process(process).host().set_paused(0, true);
  driver.advance(10'000);
  EXPECT_EQ(ticks_in(driver, kToyIn), 0U);
}

}  // namespace
}  // namespace kpay::test
