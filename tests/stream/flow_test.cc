// R1, R2, R6, R10, R27: one input, determinism, frames and back-pressure.
#include <gtest/gtest.h>

#include "stream/scenario.h"
#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Phase;

TEST(R1OneInput, ATaskSeesItsPartitionOfItsInputAndNothingElse) {
  TestDriver driver(world(2));
  const auto process = driver.start("disk");
  driver.pipe(kToyIn, 1, "a", "add a b 1");
  driver.pipe(kToyOut, 0, "a", "add a b 1");
  driver.pipe(kToyPublic, 0, "a", "add a b 1");
  driver.run_until_idle();
  EXPECT_EQ(driver.status(process, "source", 0).position, 0);
  EXPECT_EQ(driver.status(process, "source", 1).position, 1);
}

struct Replay {
  std::string state_hash;
  std::map<std::pair<std::int32_t, stream::SenderId>, stream::Sequence> outputs;
  std::vector<std::string> events;
  std::uint64_t frames = 0;
};

// The same input, with other batches, checkpoints and frames.
Replay run_in_batches(int per_batch, std::size_t frame_bytes, std::int64_t checkpoint_ms) {
  TestDriver::Options options = crash_options(2, 1);
  options.task.frame_bytes_max = frame_bytes;
  options.task.checkpoint_interval_ms = checkpoint_ms;
  options.task.idle_checkpoint_interval_ms = checkpoint_ms;
  options.task.base_every = 1000;
  TestDriver driver(options);
  for (int batch = 0; batch < 10; ++batch) {
    pipe_batch(driver, 2, batch_of(11, batch, 20));
    driver.advance(600);
  }
  // All of it is in the log; each step gives as much of it as the test wants.
  const auto process = driver.start("disk", {"source"});
  stream::MemoryProcess& running = driver.process(process);
  running.set_records_per_pump(per_batch);
  driver.advance(checkpoint_ms + 200);
  driver.stop(process);
  Replay run;
  run.state_hash = to_string(last_marker(driver, "source", 0).state_hash) +
                   to_string(last_marker(driver, "source", 1).state_hash);
  const ReceivedTopic mid = driver.received(kToyMid);
  run.outputs = mid.seen;
  for (const Received& event : mid.events) {
    run.events.push_back(std::to_string(event.partition) + "/" +
                         std::to_string(event.sender.partition) + "/" +
                         std::to_string(event.number) + " " + event.text);
  }
  std::sort(run.events.begin(), run.events.end());
  run.frames = mid.frames;
  return run;
}

TEST(R2Determinism, StateAndEventsDoNotDependOnBatchesCheckpointsOrFrameSizes) {
  const Replay whole = run_in_batches(1000, 256 * 1024, 10'000);
  EXPECT_GT(whole.events.size(), 100U);
  for (const auto& [per_batch, frame_bytes, checkpoint_ms] :
       {std::tuple<int, std::size_t, std::int64_t>{1, 256 * 1024, 100},
        {3, 1, 5000},
        {7, 300, 150}}) {
    const Replay cut = run_in_batches(per_batch, frame_bytes, checkpoint_ms);
    EXPECT_EQ(cut.state_hash, whole.state_hash);
    EXPECT_EQ(cut.outputs, whole.outputs) << "same numbers and the same running hashes";
    EXPECT_EQ(cut.events, whole.events);
    EXPECT_GT(cut.frames, whole.frames) << "R6: only where frames are cut differs";
  }
}

TEST(R6Frames, CutDifferentlyOnReplayHaveEqualEvents) {
  TestDriver::Options options = world();
  TestDriver driver(options);
  const auto first = driver.start("one");
  driver.advance(100);
  driver.process(first).set_records_per_pump(1);
  for (int i = 0; i < 20; ++i) {
    driver.pipe(kToyIn, 0, "a", "add a b " + std::to_string(i + 1));
  }
  driver.run_until_idle();
  driver.kill(first);
  const std::uint64_t frames = driver.received(kToyMid).frames;
  const auto second = driver.start("two");
  driver.advance(1500);
  const ReceivedTopic mid = driver.received(kToyMid);
  EXPECT_EQ(frames, 20U);
  EXPECT_LT(mid.frames - frames, 20U) << "the replay packs them closer";
  EXPECT_EQ(mid.events.size(), 20U);
  EXPECT_EQ(mid.repeats, 20U);
  EXPECT_EQ(mid.diverged, 0U);
  EXPECT_EQ(sum_of(*driver.task(second, "adder"), "b"), 210);
}

TEST(R6Frames, ManyEventsOfABatchShareOneAndNoneGrowsBeyondItsBound) {
  TestDriver::Options options = world();
  options.task.frame_bytes_max = 2000;
  TestDriver driver(options);
  driver.start("disk", {"source"});
  driver.advance(100);
  for (int i = 0; i < 60; ++i) {
    driver.pipe(kToyIn, 0, "a", "big b 500");
  }
  driver.run_until_idle();
  const std::vector<Bytes> frames = driver.records(kToyMid);
  EXPECT_GT(frames.size(), 10U);
  EXPECT_LT(frames.size(), 30U);
  for (const Bytes& frame : frames) {
    EXPECT_LT(frame.size(), 2000U + 500U + stream::kEventHeaderBytes);
  }
}

TEST(R10Partitioning, AnEventGoesToTheMurmur2PartitionOfItsKey) {
  TestDriver driver(world(5));
  driver.start("disk", {"source"});
  for (char c = 'a'; c <= 'z'; ++c) {
    driver.pipe(kToyIn, 0, "a", std::string("add x ") + c + " 1");
  }
  driver.run_until_idle();
  const ReceivedTopic mid = driver.received(kToyMid);
  EXPECT_EQ(mid.events.size(), 26U);
  for (const Received& event : mid.events) {
    EXPECT_EQ(event.partition, partition_of(as_bytes(event.text.substr(0, 1)), 5)) << event.text;
  }
}

TEST(R7Public, RecordsCarryTheNumberThatTheirReadersDropRepeatsBy) {
  TestDriver driver(world());
  const auto process = driver.start("one");
  driver.advance(100);
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.pipe(kToyIn, 0, "a", "add a b 2");
  driver.run_until_idle();
  driver.kill(process);
  driver.start("two");
  driver.advance(1500);
  std::vector<std::string> texts;
  for (const Single& single : driver.singles(kToyPublic)) {
    EXPECT_EQ(single.key, "b");
    texts.push_back(single.text);
  }
  EXPECT_EQ(texts, (std::vector<std::string>{"#1 b 1", "#2 b 2", "#1 b 1", "#2 b 2"}));
}

class R27BackPressure : public ::testing::Test {
 protected:
  R27BackPressure() : driver_(options()) {
    process_ = driver_.start("disk", {"source"});
    driver_.advance(100);
  }
  static TestDriver::Options options() {
    TestDriver::Options options = world();
    options.task.unacknowledged_bytes_max = 3000;
    return options;
  }
  TestDriver driver_;
  TestDriver::ProcessId process_ = 0;
};

TEST_F(R27BackPressure, UnacknowledgedBytesStopTheInputAndItGoesOnAfterwards) {
  driver_.process(process_).hold_acknowledgements(true);
  driver_.process(process_).set_records_per_pump(1);
  for (int i = 0; i < 50; ++i) {
    driver_.pipe(kToyIn, 0, "a", "big b 500");
  }
  driver_.advance(500);
  const stream::TaskStatus status = driver_.status(process_, "source");
  EXPECT_GT(status.position, 2);
  EXPECT_LT(status.position, 12);
  EXPECT_LT(status.unacknowledged_bytes, 5000U);
  driver_.process(process_).hold_acknowledgements(false);
  driver_.advance(500);
  EXPECT_EQ(driver_.status(process_, "source").position, 50);
  EXPECT_EQ(driver_.received(kToyMid).events.size(), 50U);
}

TEST_F(R27BackPressure, APauseChangesWhenAndNotWhat) {
  driver_.process(process_).host().set_paused(0, true);
  driver_.pipe(kToyIn, 0, "a", "add a b 1");
  driver_.advance(3000);
  EXPECT_EQ(driver_.status(process_, "source").position, 0);
  EXPECT_TRUE(driver_.status(process_, "source").paused);
  EXPECT_EQ(driver_.status(process_, "source").phase, Phase::running);
  driver_.process(process_).host().set_paused(0, false);
  driver_.advance(100);
  EXPECT_EQ(driver_.status(process_, "source").position, 1);
}

TEST_F(R27BackPressure, APauseHoldsForTasksThatComeLater) {
  driver_.process(process_).host().set_paused(0, true);
  driver_.process(process_).host().lose(0, 0);
  driver_.process(process_).host().assign(0, 0, driver_.now_ms());
  driver_.pipe(kToyIn, 0, "a", "add a b 1");
  driver_.advance(1000);
  EXPECT_EQ(driver_.status(process_, "source").position, 0);
}

TEST_F(R27BackPressure, APausedTaskIsReleased) {
  driver_.process(process_).host().set_paused(0, true);
  EXPECT_TRUE(driver_.stop(process_));
}

}  // namespace
}  // namespace kpay::test
