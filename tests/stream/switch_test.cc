// R21: a switch record ends a task with a clean marker, and only the next logic goes on from there.
#include <gtest/gtest.h>

#include "stream/operators.h"

namespace kpay::test {
namespace {

using stream::Logic;
using stream::Phase;

constexpr const char* kSourceChangelog = "state.source.changelog";
constexpr const char* kAdderChangelog = "state.adder.changelog";

Bytes switch_record(TestDriver& driver, const std::string& stage, Logic to) {
  OperatorRecord record = record_for(driver, stage);
  record.what = stream::SwitchLogic{to};
  return encode(record);
}

// The next logic of both toy stages: the adder then adds ten times as much.
void install_next(TestDriver& driver) {
  driver.set_logic_version("source", 2);
  driver.set_spec(next_adder_spec());
}

stream::ChangelogReader read_changelog(const TestDriver& driver, const char* topic) {
  stream::ChangelogReader reader(false);
  std::int64_t offset = 0;
  for (const Bytes& record : driver.records(topic)) {
    (void)reader.feed(offset++, record);
  }
  return reader;
}

class R21SwitchRecord : public ::testing::Test {
 protected:
  R21SwitchRecord() : driver_(world()) { process_ = driver_.start("disk"); }
  void give(ByteView record) {
    driver_.append(kToyIn, 0, record);
    driver_.run_until_idle();
  }
  void add(std::string_view amount = "1") { give(as_bytes("add a b " + std::string(amount))); }
  void switch_to(const std::string& stage, Logic to) { give(switch_record(driver_, stage, to)); }
  /// From the end of the pipe to its beginning.
  void switch_all(std::uint32_t version = 2) {
    switch_to("adder", {version, {}});
    switch_to("source", {version, {}});
    driver_.advance(100);
  }
  stream::TaskStatus status(const std::string& stage) { return driver_.status(process_, stage); }
  std::int64_t sum() { return sum_of(*driver_.task(process_, "adder"), "b"); }

  TestDriver driver_;
  TestDriver::ProcessId process_ = 0;
};

TEST_F(R21SwitchRecord, EndsTheTaskWithACleanMarkerRightAfterItThatNamesTheNextLogic) {
  add();
  switch_to("adder", {2, {7, 7}});
  add();
  driver_.advance(100);
  EXPECT_EQ(status("adder").phase, Phase::switched);
  EXPECT_EQ(status("adder").reason, "switched to logic version 2 at input position 2");
  const stream::ChangelogReader reader = read_changelog(driver_, kAdderChangelog);
  EXPECT_TRUE(reader.marker().clean);
  EXPECT_EQ(reader.marker().registers.position, 2);
  EXPECT_EQ(reader.logic(), (Logic{2, {7, 7}}));
  EXPECT_EQ(reader.open().logic.version, 1U) << "of its owner";
  EXPECT_EQ(sum(), 1) << "what lies behind it is not this build's";
  EXPECT_EQ(status("source").phase, Phase::running) << "the daemon's other tasks go on";
  EXPECT_EQ(verdicts(driver_), std::vector{OperatorVerdict::done});
}

TEST_F(R21SwitchRecord, TheNextLogicGoesOnRightBehindItAndNothingIsSaidTwice) {
  add("1");
  switch_to("adder", {2, {}});
  add("2");
  switch_to("source", {2, {}});
  give(as_bytes("add a b 4"));
  driver_.advance(100);
  EXPECT_TRUE(driver_.stop(process_));
  install_next(driver_);
  process_ = driver_.start("disk");
  driver_.advance(1500);
  EXPECT_EQ(status("source").phase, Phase::running);
  EXPECT_EQ(sum(), 1 + 20 + 40) << "1 by the first logic, what lies behind its switch by the next";
  EXPECT_EQ(driver_.received(kToyMid).repeats, 0U);
  EXPECT_EQ(driver_.received(kToyOut).repeats, 0U);
  EXPECT_EQ(read_changelog(driver_, kAdderChangelog).logic().version, 2U);
}

TEST_F(R21SwitchRecord, TheStateIsTheSameOnAHostThatHasOnlyTheLog) {
  add("3");
  switch_all();
  driver_.stop(process_);
  install_next(driver_);
  process_ = driver_.start("another disk");
  add("1");
  EXPECT_EQ(sum(), 13);
}

TEST_F(R21SwitchRecord, ABuildThatIsAlreadyOfThatLogicPassesARepeat) {
  switch_all();
  driver_.stop(process_);
  install_next(driver_);
  process_ = driver_.start("disk");
  switch_to("adder", {2, {}});
  switch_to("source", {2, {}});
  switch_to("source", {1, {}});
  add();
  EXPECT_EQ(status("source").phase, Phase::running);
  EXPECT_EQ(sum(), 10);
  EXPECT_EQ(
      verdicts(driver_),
      (std::vector{OperatorVerdict::done, OperatorVerdict::done, OperatorVerdict::already_switched,
                   OperatorVerdict::already_switched, OperatorVerdict::already_switched}));
}

TEST_F(R21SwitchRecord, ToAnythingButTheNextVersionIsRefused) {
  switch_to("source", {3, {}});
  switch_to("source", {1, {7, 7}});
  EXPECT_EQ(verdicts(driver_), (std::vector{OperatorVerdict::not_next, OperatorVerdict::not_next}));
  EXPECT_EQ(status("source").phase, Phase::running);
}

TEST_F(R21SwitchRecord, TheOldBuildStartedAgainIsHeldAndAppendsNothing) {
  switch_all();
  driver_.stop(process_);
  const std::size_t records = driver_.records(kSourceChangelog).size();
  process_ = driver_.start("disk");
  driver_.advance(100);
  EXPECT_EQ(status("source").phase, Phase::held);
  EXPECT_EQ(
      status("source").reason,
      "refused by version: switched to logic version 2 at input position 2, this build has 1");
  EXPECT_EQ(status("source").state_version, 2U);
  EXPECT_EQ(driver_.records(kSourceChangelog).size(), records) << "its file says it";
}

TEST_F(R21SwitchRecord, TheOldBuildWithoutAFileIsHeldAndTheNextOneStillGoesOn) {
  add();
  switch_all();
  driver_.stop(process_);
  process_ = driver_.start("another disk");
  driver_.advance(100);
  EXPECT_EQ(status("adder").phase, Phase::held);
  EXPECT_NE(status("adder").reason.find("switched to logic version 2"), std::string::npos);
  driver_.stop(process_);
  install_next(driver_);
  process_ = driver_.start("disk");
  add();
  EXPECT_EQ(sum(), 11);
}

TEST_F(R21SwitchRecord, TheNextLogicDoesNotStartWithoutOne) {
  add();
  driver_.advance(1500);
  driver_.stop(process_);
  install_next(driver_);
  process_ = driver_.start("disk");
  driver_.advance(1500);
  add();
  EXPECT_EQ(status("adder").phase, Phase::held);
  EXPECT_EQ(status("adder").reason,
            "refused by version: the state is of logic version 1 at input position 1, this build "
            "has 2, and no switch record has led there");
  EXPECT_EQ(sum_of(*driver_.task(process_, "adder"), "b"), 1);
}

TEST_F(R21SwitchRecord, NorOnATaskThatHasNoMarkerYet) {
  add();
  driver_.kill(process_);
  EXPECT_EQ(read_changelog(driver_, kAdderChangelog).marker().number, 0U);
  install_next(driver_);
  process_ = driver_.start("disk");
  driver_.advance(1500);
  EXPECT_EQ(status("adder").phase, Phase::held) << "what it has said was by the first logic";
}

TEST_F(R21SwitchRecord, ABuildOfTheSameVersionThatDecidesOtherwiseIsRefused) {
  switch_to("adder", {2, {7, 7}});
  driver_.advance(100);
  driver_.stop(process_);
  stream::StageSpec other = next_adder_spec();
  other.logic.rules_hash = {8, 8};
  driver_.set_spec(other);
  process_ = driver_.start("disk", {"adder"});
  driver_.advance(100);
  EXPECT_EQ(status("adder").phase, Phase::held);
  EXPECT_NE(status("adder").reason.find("of another build"), std::string::npos);
}

TEST_F(R21SwitchRecord, BackToTheFirstRulesIsOneMoreVersion) {
  add("1");
  switch_all();
  driver_.stop(process_);
  install_next(driver_);
  process_ = driver_.start("disk");
  add("1");
  switch_all(3);
  driver_.stop(process_);
  driver_.set_logic_version("source", 3);
  stream::StageSpec third = adder_spec();
  third.logic.version = 3;
  driver_.set_spec(third);
  process_ = driver_.start("disk");
  add("1");
  EXPECT_EQ(sum(), 1 + 10 + 1);
  EXPECT_EQ(driver_.received(kToyOut).diverged, 0U);
}

TEST_F(R21SwitchRecord, AZombieWithInputReadAheadBeyondItStopsAtIt) {
  add();
  driver_.advance(1500);
  driver_.freeze(process_);
  for (const char* text : {"add a b 2", "add a b 4"}) {
    driver_.append(kToyIn, 0, as_bytes(text));
  }
  // Its successor reaches the switch record, and the next logic goes on behind it.
  auto successor = driver_.start("another disk");
  driver_.run_until_idle();
  for (const char* stage : {"adder", "source"}) {
    driver_.append(kToyIn, 0, switch_record(driver_, stage, {2, {}}));
    driver_.run_until_idle();
  }
  driver_.append(kToyIn, 0, as_bytes("add a b 8"));
  driver_.advance(100);
  EXPECT_EQ(driver_.status(successor, "adder").phase, Phase::switched);
  driver_.stop(successor);
  install_next(driver_);
  const auto next = driver_.start("third disk");
  driver_.advance(1500);
  ASSERT_EQ(sum_of(*driver_.task(next, "adder"), "b"), 1 + 2 + 4 + 80);
  const std::vector<std::string> said = driver_.received(kToyOut).texts();
  driver_.freeze(process_, false);
  driver_.advance(20'000);
  for (const char* stage : {"source", "adder"}) {
    EXPECT_NE(driver_.status(process_, stage).phase, Phase::running) << stage;
    EXPECT_EQ(driver_.status(process_, stage).phase, Phase::held) << stage;
  }
  EXPECT_EQ(driver_.received(kToyOut).texts(), said) << "what it said were repeats";
  EXPECT_EQ(driver_.received(kToyOut).diverged, 0U);
}

TEST_F(R21SwitchRecord, InOneFrameWithOthersTheWholeFrameIsTheOldLogics) {
  driver_.kill(process_);
  process_ = driver_.start("disk", {"adder"});
  Sender sender = sender_of(driver_);
  const Bytes change = switch_record(driver_, "adder", {2, {}});
  driver_.append(
      kToyMid, 0,
      sender.frame({"b 1", std::string(as_text(change)), "b 2", std::string(as_text(change))}));
  driver_.append(kToyMid, 0, sender.frame({"b 4"}));
  driver_.advance(100);
  EXPECT_EQ(status("adder").phase, Phase::switched);
  EXPECT_EQ(sum(), 3);
  EXPECT_EQ(verdicts(driver_),
            (std::vector{OperatorVerdict::done, OperatorVerdict::already_switched}));
  EXPECT_EQ(read_changelog(driver_, kAdderChangelog).marker().registers.position, 1);
}

TEST_F(R21SwitchRecord, WhatIsHandedOnIsTheLastOfItsFrame) {
  const Bytes change = switch_record(driver_, "adder", {2, {}});
  driver_.append(kToyIn, 0, as_bytes("add a b 1"));
  driver_.append(kToyIn, 0, change);
  driver_.append(kToyIn, 0, as_bytes("add a b 2"));
  driver_.run_until_idle();
  stream::Frame frame;
  std::size_t met = 0;
  for (const Bytes& record : driver_.records(kToyMid)) {
    ASSERT_TRUE(stream::read_frame(record, frame));
    for (std::size_t i = 0; i < frame.events.size(); ++i) {
      if (stream::is_operator_record(frame.events[i].payload)) {
        ++met;
        EXPECT_EQ(i + 1, frame.events.size());
      }
    }
  }
  EXPECT_EQ(met, 1U);
}

TEST_F(R21SwitchRecord, AStandbyOfTheOldBuildIsPromotedIntoHoldingAndAppendsNothing) {
  const auto standby = driver_.start_standby("standby disk", "adder");
  add();
  switch_to("adder", {2, {}});
  driver_.advance(1500);
  driver_.kill(process_);
  const std::size_t records = driver_.records(kAdderChangelog).size();
  driver_.assign(standby, "adder");
  driver_.advance(100);
  EXPECT_EQ(driver_.status(standby, "adder").phase, Phase::held);
  EXPECT_EQ(driver_.records(kAdderChangelog).size(), records);
}

TEST_F(R21SwitchRecord, AReleaseOfATaskThatStandsAtItsSwitchIsCleanAtOnce) {
  switch_all();
  ASSERT_EQ(status("adder").phase, Phase::switched);
  driver_.process(process_).host().release_all();
  driver_.run_until_idle();
  EXPECT_EQ(driver_.process(process_).host().size(), 0U);
}

TEST(R21SwitchCrash, AtEveryAppendAroundASwitchTheOldBuildReachesItAgainAndTheNextOneGoesOn) {
  int crashes = 0;
  for (std::int64_t appends = 0; appends < 16; ++appends) {
    TestDriver::Options options = world();
    options.task.checkpoint_interval_ms = 100;
    TestDriver driver(options);
    auto process = driver.start("disk");
    driver.pipe(kToyIn, 0, "a", "add a b 1");
    driver.advance(300);
    driver.kill_at_append(process, appends);
    driver.append(kToyIn, 0, as_bytes("add a b 2"));
    driver.append(kToyIn, 0, switch_record(driver, "adder", {2, {}}));
    driver.append(kToyIn, 0, switch_record(driver, "source", {2, {}}));
    driver.append(kToyIn, 0, as_bytes("add a b 4"));
    driver.advance(500);
    if (!driver.alive(process)) {
      ++crashes;
      process = driver.start(appends % 2 == 0 ? "disk" : "other disk");  // the old build, once more
      driver.advance(500);
      for (const char* stage : {"source", "adder"}) {
        const Phase phase = driver.status(process, stage).phase;
        ASSERT_TRUE(phase == Phase::switched || phase == Phase::held) << stage << appends;
        ASSERT_EQ(driver.status(process, stage).state_version, 2U) << stage << appends;
      }
    }
    driver.kill(process);
    install_next(driver);
    process = driver.start(appends % 2 == 0 ? "disk" : "other disk");
    driver.advance(500);
    ASSERT_EQ(sum_of(*driver.task(process, "adder"), "b"), 1 + 2 + 40) << appends;
    ASSERT_EQ(sum_of(*driver.task(process, "source"), "a"), -7) << appends;
    ASSERT_EQ(driver.received(kToyMid).diverged + driver.received(kToyOut).diverged, 0U) << appends;
    ASSERT_EQ(verdicts(driver), (std::vector{OperatorVerdict::done, OperatorVerdict::done}))
        << appends;
  }
  EXPECT_GE(crashes, 8) << "the sweep reaches into the switch";
}

TEST(R21SwitchSigned, ItTakesTwoPeople) {
  OperatorRecord record;
  record.what = stream::SwitchLogic{{2, {}}};
  EXPECT_EQ(signatures_wanted(record), 2U);
}

}  // namespace
}  // namespace kpay::test
