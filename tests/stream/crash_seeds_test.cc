// Crashes by seed: several processes, two partitions, every fault that the driver knows, and at
// the end the same state and events as in a run without faults.
#include <gtest/gtest.h>

#include <random>

#include "stream/scenario.h"

namespace kpay::test {
namespace {

constexpr std::int32_t kPartitions = 2;
constexpr int kBatches = 8;
constexpr int kCommands = 8;

// One host for each stage at a time; a host that is gone or frozen is replaced by another.
class Chaos {
 public:
  Chaos(TestDriver& driver, std::uint64_t seed) : driver_(driver), random_(seed) {}

  void before_batch() {
    for (Host& host : hosts_) {
      if (host.process < 0 || !driver_.alive(static_cast<TestDriver::ProcessId>(host.process))) {
        begin(host);
      }
      hurt(host);
    }
  }
  void after_batch() {
    for (Host& host : hosts_) {
      const auto id = static_cast<TestDriver::ProcessId>(host.process);
      if (!driver_.alive(id)) {
        host.process = -1;
      } else if (driver_.is_frozen(id) || dice(6) == 0) {
        zombies_.push_back(id);  // the group gives its partitions away; it doesn't know yet
        driver_.freeze(id, dice(2) == 0);
        host.process = -1;
        ++host.disk;
      }
    }
    if (!zombies_.empty() && dice(2) == 0) {
      const TestDriver::ProcessId id = zombies_.back();
      zombies_.pop_back();
      driver_.freeze(id, false);
      for (auto steps = dice(30); steps > 0; --steps) {
        driver_.step();
      }
      driver_.kill(id);
    }
  }
  void end() {
    for (TestDriver::ProcessId id = 0; id < driver_.processes(); ++id) {
      driver_.kill(id);
    }
  }

 private:
  struct Host {
    std::string stage;
    std::int64_t process = -1;
    int disk = 0;
  };

  std::uint64_t dice(std::uint64_t sides) { return random_() % sides; }

  void begin(Host& host) {
    if (dice(4) == 0) {
      ++host.disk;
    }
    host.process = static_cast<std::int64_t>(
        driver_.start(host.stage + std::to_string(host.disk), {host.stage}));
  }
  void hurt(Host& host) {
    const auto id = static_cast<TestDriver::ProcessId>(host.process);
    stream::MemoryProcess& process = driver_.process(id);
    process.hold_acknowledgements(dice(6) == 0);
    process.hold_background(dice(8) == 0);
    switch (dice(6)) {
      case 0: driver_.kill_at_step(id, static_cast<std::int64_t>(dice(40))); break;
      case 1: driver_.kill_at_append(id, static_cast<std::int64_t>(dice(30))); break;
      case 2: driver_.freeze_at_step(id, static_cast<std::int64_t>(dice(40))); break;
      case 3:
        driver_
            .store(host.stage + std::to_string(host.disk), host.stage,
                   static_cast<std::int32_t>(dice(kPartitions)))
            .fail_commits(static_cast<int>(dice(3)));
        break;
      default: break;
    }
  }

  TestDriver& driver_;
  std::minstd_rand random_;
  std::vector<Host> hosts_{{"source"}, {"adder"}};
  std::vector<TestDriver::ProcessId> zombies_;
};

Outcome run(std::uint64_t seed, bool chaos, std::string* replay) {
  TestDriver driver(crash_options(kPartitions, seed));
  Chaos faults(driver, seed * 7919 + 17);
  if (!chaos) {
    driver.start("only");
  }
  for (int batch = 0; batch < kBatches; ++batch) {
    if (chaos) {
      faults.before_batch();
    }
    pipe_batch(driver, kPartitions, batch_of(seed, batch, kCommands));
    driver.advance(600);
    if (chaos) {
      faults.after_batch();
    }
  }
  faults.end();
  Outcome outcome = finish(driver, kPartitions, false);
  *replay = replay_differs(driver, kPartitions, seed);
  return outcome;
}

class CrashSeeds : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Fifty, CrashSeeds, ::testing::Values(0, 50, 100, 150));

TEST_P(CrashSeeds, EndAsWithoutFaults) {
  for (std::uint64_t seed = GetParam() + 1; seed <= GetParam() + 50; ++seed) {
    std::string replay;
    const Outcome calm = run(seed, false, &replay);
    ASSERT_EQ(replay, "") << "seed " << seed;
    ASSERT_EQ(difference(run(seed, true, &replay), calm), "") << "seed " << seed;
    ASSERT_EQ(replay, "") << "seed " << seed;
  }
}

}  // namespace
}  // namespace kpay::test
