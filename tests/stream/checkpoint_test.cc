// R14, R15, R23: the order of outputs, rows, marker and file; bases.
#include <gtest/gtest.h>

#include "stream/scenario.h"
#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Phase;
using Kind = stream::TaskNotice::Kind;

std::uint64_t stored_marker(store::MemoryStore& store) {
  const std::optional<Bytes> bytes = *store.marker();
  if (!bytes) {
    return 0;
  }
  return std::get<stream::Marker>(*stream::decode_changelog(*bytes)).number;
}

TEST(R15Order, NoRowIsAppendedBeforeTheOutputsAreAcknowledged) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.advance(100);
  const std::size_t before = driver.records("state.source.changelog").size();
  driver.process(process).hold_acknowledgements(true);
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.advance(5000);
  EXPECT_EQ(driver.received(kToyMid).events.size(), 1U) << "the output itself doesn't wait";
  EXPECT_EQ(driver.records("state.source.changelog").size(), before);
  driver.process(process).hold_acknowledgements(false);
  driver.advance(1000);
  EXPECT_EQ(driver.records("state.source.changelog").size(), before + 2) << "rows, then the marker";
  EXPECT_EQ(last_marker(driver, "source").registers.position, 1);
}

TEST(R15Order, DeadLettersAreAwaitedToo) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.advance(100);
  driver.process(process).hold_acknowledgements(true);
  driver.pipe(kToyIn, 0, "a", "nonsense");
  driver.advance(5000);
  EXPECT_EQ(last_marker(driver, "source").number, 0U);
  driver.process(process).hold_acknowledgements(false);
  driver.advance(1000);
  EXPECT_EQ(last_marker(driver, "source").number, 1U);
}

TEST(R15Order, TheFileNeverHasAMarkerThatTheLogHasNot) {
  TestDriver driver(crash_options(1, 3));
  driver.start("disk");
  std::uint64_t most = 0;
  for (int batch = 0; batch < 6; ++batch) {
    pipe_batch(driver, 1, batch_of(3, batch, 6));
    driver.advance(0);
    for (int i = 0; i < 40; ++i) {
      driver.step();
      for (const char* stage : {"source", "adder"}) {
        const std::uint64_t stored = stored_marker(driver.store("disk", stage));
        ASSERT_LE(stored, last_marker(driver, stage).number);
        most = std::max(most, stored);
      }
    }
    driver.advance(600);
  }
  EXPECT_GE(most, 5U);
}

TEST(R15Order, AMarkerThatWasAppendedIsNotStoredBeforeItIsReadBack) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.advance(100);
  while (last_marker(driver, "source").number == 0) {
    driver.advance(0);
    driver.set_time(driver.now_ms() + 50);
    driver.step();
  }
  EXPECT_EQ(stored_marker(driver.store("disk", "source")), 0U) << "appended in this very step";
  driver.process(process).hold_background(true);
  driver.run_until_idle();
  EXPECT_EQ(driver.status(process, "source").checkpoint, 1U) << "read back";
  EXPECT_EQ(stored_marker(driver.store("disk", "source")), 0U);
  driver.process(process).hold_background(false);
  driver.run_until_idle();
  EXPECT_EQ(stored_marker(driver.store("disk", "source")), 1U);
}

TEST(R15Order, AFailedCommitKeepsItsRowsAndTheNextOneHasThem) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.advance(100);
  driver.store("disk", "source").fail_commits(2);
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.advance(1500);
  EXPECT_TRUE(driver.status(process, "source").store_behind);
  EXPECT_EQ(driver.count(Kind::store_failed), 1U);
  driver.pipe(kToyIn, 0, "c", "add c b 1");
  driver.advance(5000);
  EXPECT_FALSE(driver.status(process, "source").store_behind);
  EXPECT_EQ(driver.status(process, "source").reason, "");
  const std::vector<std::string> rows = driver.rows(process, "source");
  driver.kill(process);
  const auto again = driver.start("disk", {"source"});
  driver.advance(100);
  EXPECT_TRUE(driver.status(again, "source").store_was_used);
  EXPECT_EQ(driver.count(Kind::store_set_aside), 0U);
  EXPECT_EQ(driver.rows(again, "source"), rows);
}

TEST(R15Order, BugAFullDiskDoesNotKeepATaskFromItsRelease) {
  TestDriver driver(world());
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "add a b 1");
  driver.advance(1500);
  driver.store("disk", "source").fail_commits(1'000'000);
  driver.pipe(kToyIn, 0, "c", "add c b 1");
  driver.advance(1500);
  driver.pipe(kToyIn, 0, "d", "add d b 1");
  driver.advance(100);
  const std::size_t marked = last_marker(driver, "source").number;
  EXPECT_TRUE(driver.stop(process));
  EXPECT_TRUE(last_marker(driver, "source").clean);
  EXPECT_EQ(last_marker(driver, "source").number, marked + 1);
  driver.store("disk", "source").fail_commits(0);
  EXPECT_EQ(stored_marker(driver.store("disk", "source")), 1U) << "no later one skipped the rows";
  const auto again = driver.start("disk", {"source"});
  driver.advance(100);
  EXPECT_TRUE(driver.status(again, "source").store_was_used);
  EXPECT_EQ(sum_of(*driver.task(again, "source"), "d"), -1);
  EXPECT_EQ(driver.count(Kind::store_set_aside), 0U);
}

TEST(R15Order, ManyChangedRowsBringTheCheckpointEarly) {
  TestDriver::Options options = world();
  options.task.dirty_rows_max = 10;
  TestDriver driver(options);
  driver.start("disk", {"source"});
  driver.advance(100);
  for (int i = 0; i < 9; ++i) {
    driver.pipe(kToyIn, 0, "a", "add a" + std::to_string(i) + " b 1");
  }
  driver.run_until_idle();
  EXPECT_EQ(last_marker(driver, "source").number, 0U);
  driver.pipe(kToyIn, 0, "a", "add more b 1");
  driver.run_until_idle();
  EXPECT_EQ(last_marker(driver, "source").number, 1U);
}

TEST(R15Order, WhenNothingHappensNothingIsWritten) {
  TestDriver driver(world());
  driver.start("disk");
  driver.advance(60'000);
  EXPECT_EQ(driver.records("state.source.changelog").size(), 2U) << "genesis and the takeover";
}

std::size_t markers_in(const TestDriver& driver, const std::string& changelog) {
  std::size_t markers = 0;
  for (const Bytes& record : driver.records(changelog)) {
    const auto decoded = stream::decode_changelog(record);
    markers += decoded && std::holds_alternative<stream::Marker>(*decoded) ? 1 : 0;
  }
  return markers;
}

TestDriver::Options with_bases() {
  TestDriver::Options options = world();
  options.task.base_every = 3;
  options.task.base_slice_rows = 2;
  options.task.frame_bytes_max = 200;
  return options;
}

void work(TestDriver& driver, int from, int to) {
  for (int i = from; i < to; ++i) {
    driver.pipe(kToyIn, 0, "a", "add n" + std::to_string(i % 9) + " b 1");
    driver.pipe(kToyIn, 0, "a", "erase n" + std::to_string((i * 5) % 9));
    driver.advance(1100);
  }
}

TEST(R14Bases, CloseTheLogSoThatWhatIsBeforeThemCanGo) {
  TestDriver driver(with_bases());
  const auto process = driver.start("disk", {"source"});
  work(driver, 0, 20);
  EXPECT_GE(driver.status(process, "source").bases, 3U);
  const stream::LogBounds bounds =
      driver.log().bounds(driver.topics().index_of("state.source.changelog"), 0);
  EXPECT_GT(bounds.begin, 20);
  EXPECT_LT(bounds.end - bounds.begin, 60);
  const auto first = stream::decode_changelog(driver.records("state.source.changelog").front());
  ASSERT_TRUE(first);
  EXPECT_EQ(std::get<stream::OpenMarker>(*first).kind, stream::OpenMarker::Kind::renewal);
}

TEST(R14Bases, ALargeStateIsWrittenWholeOnlyAfterAsManyChanges) {
  TestDriver driver(with_bases());
  const auto process = driver.start("disk", {"source"});
  for (int i = 0; i < 600; ++i) {
    driver.pipe(kToyIn, 0, "a", "add large" + std::to_string(i) + " b 1");
  }
  work(driver, 0, 6);
  ASSERT_EQ(driver.status(process, "source").bases, 1U) << "600 rows are new, so a base is due";
  work(driver, 6, 26);
  EXPECT_EQ(driver.status(process, "source").bases, 1U) << "20 checkpoints of few rows";
  work(driver, 26, 66);
  EXPECT_EQ(driver.status(process, "source").bases, 2U) << "their markers count as well";
}

TEST(R14Bases, AndTheCheckpointsAfterThemAreTheWholeState) {
  TestDriver driver(with_bases());
  const auto process = driver.start("disk", {"source"});
  for (int round = 0; round < 12; ++round) {
    work(driver, round * 2, round * 2 + 2);
    driver.advance(300);
    driver.kill(process + static_cast<std::size_t>(round));
    driver.start("disk" + std::to_string(round), {"source"});
    driver.advance(300);
    const auto id = process + static_cast<std::size_t>(round) + 1;
    ASSERT_EQ(driver.status(id, "source").phase, Phase::running)
        << driver.status(id, "source").reason;
  }
  EXPECT_EQ(driver.count(Kind::held), 0U);
}

// Checkpoints of the changelog that stand between a base's first rows and its base marker.
std::size_t checkpoints_within_bases(const TestDriver& driver, const std::string& changelog) {
  std::size_t within = 0;
  std::size_t since_rows = 0;
  bool in_base = false;
  for (const Bytes& record : driver.records(changelog)) {
    const auto decoded = stream::decode_changelog(record);
    const auto* rows = std::get_if<stream::RowFrame>(&*decoded);
    if (rows != nullptr && rows->base) {
      in_base = true;
    } else if (in_base && std::holds_alternative<stream::Marker>(*decoded)) {
      ++since_rows;
    } else if (std::holds_alternative<stream::BaseMarker>(*decoded)) {
      within += std::exchange(since_rows, 0);
      in_base = false;
    }
  }
  return within;
}

TEST(R14Bases, CheckpointsThatCameWhileOneWasWrittenCountToo) {
  TestDriver::Options options = with_bases();
  options.task.base_slice_rows = 1;
  options.task.dirty_rows_max = 1;
  TestDriver driver(options);
  auto process = driver.start("disk", {"source"});
  for (int i = 0; i < 30; ++i) {
    driver.pipe(kToyIn, 0, "a", "add n" + std::to_string(i) + " b 1");
    driver.run_until_idle();
  }
  std::size_t within = 0;
  for (int i = 0; i < 300; ++i) {
    driver.pipe(kToyIn, 0, "a", "add n" + std::to_string(i % 30) + " b 1");
    driver.step();
    within = std::max(within, checkpoints_within_bases(driver, "state.source.changelog"));
  }
  EXPECT_GE(within, 3U) << "or this test shows nothing";
  // Dies right after a base was accepted, so that what came meanwhile is all in its epoch.
  const std::size_t bases = driver.count(Kind::base_accepted);
  for (int i = 0; driver.count(Kind::base_accepted) == bases; ++i) {
    driver.pipe(kToyIn, 0, "a", "add n" + std::to_string(i % 30) + " b 1");
    driver.step();
  }
  const Hash128 hash = last_marker(driver, "source").state_hash;
  driver.kill(process);
  process = driver.start("new disk", {"source"});
  while (driver.status(process, "source").phase != Phase::running) {
    ASSERT_EQ(driver.count(Kind::held), 0U) << driver.notices().back().notice.text;
    driver.step();
  }
  EXPECT_EQ(driver.status(process, "source").state_hash, hash);
}

TEST(R14Bases, BugOwnersThatRestartOftenStillWriteThem) {
  TestDriver::Options options = with_bases();
  options.task.base_every = 6;
  TestDriver driver(options);
  for (int round = 0; round < 12; ++round) {
    const auto process =
        driver.start(round % 2 == 0 ? "same" : "new" + std::to_string(round), {"source"});
    work(driver, round * 4, round * 4 + 4);
    driver.kill(process);
  }
  EXPECT_GE(driver.count(Kind::base_accepted), 2U);
}

TEST(R14Bases, AForgottenDirtyMarkIsFoundAndHeldAndNothingIsWrittenAfterwards) {
  TestDriver::Options options = with_bases();
  options.partitions = 2;
  TestDriver driver(options);
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "add victim b 1");
  driver.advance(1100);
  driver.pipe(kToyIn, 0, "a", "forget victim");
  driver.advance(1100);
  std::size_t records = 0;
  for (int i = 0; i < 12 && driver.status(process, "source").phase == Phase::running; ++i) {
    driver.pipe(kToyIn, 0, "a", "add other b 1");
    driver.pipe(kToyIn, 1, "a", "add other b 1");
    driver.advance(550);
    records = driver.records("state.source.changelog").size();
  }
  EXPECT_EQ(driver.status(process, "source").phase, Phase::held);
  EXPECT_NE(driver.status(process, "source").reason.find("a change was not marked"),
            std::string::npos);
  EXPECT_EQ(driver.status(process, "source").bases, 0U);
  driver.advance(5000);
  EXPECT_EQ(driver.records("state.source.changelog").size(), records);
  EXPECT_EQ(driver.status(process, "source", 1).phase, Phase::running);
}

TEST(R14Bases, BugATaskThatItsBaseHeldWritesNoCheckpointInTheSameTurn) {
  TestDriver::Options options = with_bases();
  options.task.checkpoint_interval_ms = 0;
  options.task.base_every = 1;
  options.task.base_slice_rows = 1;
  TestDriver driver(options);
  const auto process = driver.start("disk", {"source"});
  driver.pipe(kToyIn, 0, "a", "add victim b 1");
  driver.run_until_idle();
  driver.pipe(kToyIn, 0, "a", "forget victim");
  std::size_t markers_before = 0;
  for (int i = 0; i < 400 && driver.status(process, "source").phase != Phase::held; ++i) {
    driver.pipe(kToyIn, 0, "a", "add victim2 b 1");
    markers_before = markers_in(driver, "state.source.changelog");
    driver.step();
  }
  ASSERT_EQ(driver.status(process, "source").phase, Phase::held);
  EXPECT_EQ(driver.process(process).outbox().waiting(), 0U) << "nothing was given to the outbox";
  EXPECT_EQ(markers_in(driver, "state.source.changelog"), markers_before);
}

// Looks at the log before each event that the inner stage applies.
class Spy final : public stream::Stage {
 public:
  Spy(std::unique_ptr<stream::Stage> inner, std::function<void()> look)
      : inner_(std::move(inner)), look_(std::move(look)) {}
  std::span<stream::TableBase* const> tables() override { return inner_->tables(); }
  std::optional<stream::DeadLetterReason> apply(const stream::Event& event, Timestamp now,
                                                stream::Emitter& out) override {
    look_();
    return inner_->apply(event, now, out);
  }

 private:
  std::unique_ptr<stream::Stage> inner_;
  std::function<void()> look_;
};

TEST(R23Outputs, OfARecordAreHandedOverOnlyWhenAllOfItIsProcessed) {
  TestDriver::Options options = world();
  options.task.frame_bytes_max = 1;
  TestDriver* log = nullptr;
  std::vector<std::size_t> seen;
  options.specs[1].make = [&](std::int32_t partition, std::int32_t partitions) {
    return std::make_unique<Spy>(adder_spec().make(partition, partitions), [&] {
      seen.push_back(log->singles(kToyPublic).size() + log->records(kToyOut).size());
    });
  };
  TestDriver driver(options);
  log = &driver;
  driver.start("disk", {"adder"});
  driver.advance(100);
  Sender sender = sender_of(driver);
  driver.append(kToyMid, 0, sender.frame({"a 1", "a 1", "a 1"}));
  driver.run_until_idle();
  EXPECT_EQ(seen, (std::vector<std::size_t>{0, 0, 0}));
  EXPECT_EQ(driver.singles(kToyPublic).size(), 3U);
  EXPECT_EQ(driver.received(kToyOut).events.size(), 3U);
}

}  // namespace
}  // namespace kpay::test
