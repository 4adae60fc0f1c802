// Crash table, first lines: a process dies at every step and at every append of a scenario; the
// state and what receivers apply are as if nothing had happened.
#include <gtest/gtest.h>

#include "stream/scenario.h"

namespace kpay::test {
namespace {

constexpr std::uint64_t kSeed = 7;
constexpr int kBatches = 4;
constexpr int kCommands = 6;

struct Crash {
  std::string victim;        // the stage whose process dies; empty: nobody
  std::int64_t step = -1;    // dies before that step of its own
  std::int64_t append = -1;  // dies when it appends for the n-th time
  bool keeps_disk = true;
  bool zombie = false;  // isn't dead: wakes up after its successor ran
};

struct Run {
  Outcome outcome;
  bool crashed = false;
  std::string replay;
};

std::string other(const std::string& stage) { return stage == "source" ? "adder" : "source"; }

// What the group does when a member is gone: somebody else gets its partitions.
TestDriver::ProcessId replace(TestDriver& driver, const Crash& crash) {
  return driver.start(crash.keeps_disk && !crash.zombie ? crash.victim : crash.victim + "-new",
                      {crash.victim});
}

Run run(const Crash& crash) {
  TestDriver driver(crash_options(1, kSeed));
  const std::string victim = crash.victim.empty() ? "source" : crash.victim;
  const TestDriver::ProcessId first = driver.start(victim, {victim});
  driver.start(other(victim), {other(victim)});
  driver.kill_at_step(first, crash.zombie ? -1 : crash.step);
  driver.kill_at_append(first, crash.append);
  driver.freeze_at_step(first, crash.zombie ? crash.step : -1);
  Run result;
  for (int batch = 0; batch < kBatches; ++batch) {
    pipe_batch(driver, 1, batch_of(kSeed, batch, kCommands));
    driver.advance(600);
    if (!result.crashed && (!driver.alive(first) || driver.is_frozen(first))) {
      result.crashed = true;
      replace(driver, crash);
    }
  }
  driver.advance(600);
  if (driver.alive(first)) {
    driver.freeze(first, false);
    driver.advance(300);
    driver.kill(first);
  }
  for (TestDriver::ProcessId id = first; id < driver.processes(); ++id) {
    driver.kill(id);
  }
  result.outcome = finish(driver, 1, true);
  result.replay = replay_differs(driver, 1, kSeed);
  return result;
}

const Outcome& undisturbed() {
  static const Outcome outcome = run({}).outcome;
  return outcome;
}

// Sweeps n = 0, 1, 2 … until the victim lives through the whole scenario.
void sweep(Crash crash, std::int64_t Crash::*at, std::int64_t stride, std::int64_t least) {
  std::int64_t crashes = 0;
  for (std::int64_t n = 0;; n += stride) {
    crash.*at = n;
    const Run result = run(crash);
    ASSERT_EQ(difference(result.outcome, undisturbed()), "") << crash.victim << " at " << n;
    ASSERT_EQ(result.replay, "") << crash.victim << " at " << n;
    if (!result.crashed) {
      break;
    }
    ++crashes;
  }
  EXPECT_GE(crashes, least) << "the sweep covers the scenario";
}

TEST(CrashSweep, TheScenarioItselfDoesWhatItShould) {
  const Outcome& outcome = undisturbed();
  EXPECT_EQ(outcome.diverged, 0U);
  EXPECT_GE(outcome.mid.size(), 12U);
  EXPECT_GE(outcome.out.size(), 10U);
  EXPECT_EQ(outcome.told.size(), outcome.out.size());
  EXPECT_FALSE(outcome.source_rows.empty());
  EXPECT_FALSE(outcome.adder_rows.empty());
  EXPECT_EQ(run({}).replay, "");
}

class CrashSweepOf : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Stage, CrashSweepOf, ::testing::Values("source", "adder"));

TEST_P(CrashSweepOf, DyingAtAnyAppendChangesNothingWhenTheDiskIsKept) {
  sweep({.victim = GetParam()}, &Crash::append, 1, 30);
}
TEST_P(CrashSweepOf, DyingAtAnyAppendChangesNothingWhenTheDiskIsLost) {
  sweep({.victim = GetParam(), .keeps_disk = false}, &Crash::append, 1, 30);
}
TEST_P(CrashSweepOf, DyingAtAnyStepChangesNothingWhenTheDiskIsKept) {
  sweep({.victim = GetParam()}, &Crash::step, 1, 60);
}
TEST_P(CrashSweepOf, DyingAtAnyStepChangesNothingWhenTheDiskIsLost) {
  sweep({.victim = GetParam(), .keeps_disk = false}, &Crash::step, 2, 30);
}
TEST_P(CrashSweepOf, AZombieFromAnyStepChangesNothingWhenItWakesUp) {
  sweep({.victim = GetParam(), .zombie = true}, &Crash::step, 1, 60);
}

}  // namespace
}  // namespace kpay::test
