// R17: from the file and the tail, from the changelog alone, and never from a file that lies.
#include <gtest/gtest.h>

#include <fstream>

#include "stream/scenario.h"
#include "stream/world.h"

namespace kpay::test {
namespace {

using stream::Phase;
using Kind = stream::TaskNotice::Kind;

class R17Restore : public ::testing::Test {
 protected:
  explicit R17Restore(TestDriver::Options options = world()) : driver_(std::move(options)) {}

  // `rounds` checkpoints by a process on that disk, which dies in the end; its rows.
  std::vector<std::string> work(const std::string& disk, int rounds) {
    const auto process = driver_.start(disk, {"source"});
    driver_.advance(100);
    for (int i = 0; i < rounds; ++i) {
      driver_.pipe(kToyIn, 0, "a", "add n" + std::to_string(i % 5) + " b 1");
      driver_.pipe(kToyIn, 0, "a", "erase n" + std::to_string(i % 3));
      driver_.advance(1100);
    }
    const std::vector<std::string> rows = driver_.rows(process, "source");
    driver_.kill(process);
    return rows;
  }
  stream::TaskStatus restart(const std::string& disk) {
    last_ = driver_.start(disk, {"source"});
    driver_.advance(100);
    const stream::TaskStatus status = driver_.status(last_, "source");
    EXPECT_EQ(status.phase, Phase::running) << status.reason;
    return status;
  }
  // The file was set aside, the state is right all the same, and the new file is used again.
  void expect_rebuilt(const std::string& disk, const std::vector<std::string>& rows) {
    const std::size_t aside = driver_.count(Kind::store_set_aside);
    EXPECT_FALSE(restart(disk).store_was_used);
    EXPECT_EQ(driver_.count(Kind::store_set_aside), aside + 1);
    EXPECT_EQ(driver_.rows(last_, "source"), rows);
    driver_.kill(last_);
    EXPECT_TRUE(restart(disk).store_was_used);
    EXPECT_EQ(driver_.rows(last_, "source"), rows);
    EXPECT_EQ(driver_.count(Kind::store_set_aside), aside + 1);
  }
  store::MemoryStore& store(const std::string& disk) { return driver_.store(disk, "source"); }

  TestDriver driver_;
  TestDriver::ProcessId last_ = 0;
};

TEST_F(R17Restore, FromTheFileWhenItIsUpToDate) {
  const std::vector<std::string> rows = work("disk", 4);
  EXPECT_TRUE(restart("disk").store_was_used);
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
  EXPECT_EQ(driver_.received(kToyMid).repeats, 0U);
}

TEST_F(R17Restore, FromAFileThatIsBehindAndTheTail) {
  work("disk", 2);
  const store::MemoryStore behind = store("disk");
  const std::vector<std::string> rows = work("disk", 4);
  store("disk") = behind;
  EXPECT_TRUE(restart("disk").store_was_used);
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
  driver_.kill(last_);
  EXPECT_TRUE(restart("disk").store_was_used) << "the tail is in the file now";
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
  EXPECT_EQ(driver_.count(Kind::store_set_aside), 0U);
}

TEST_F(R17Restore, FromTheChangelogAlone) {
  const std::vector<std::string> rows = work("disk", 4);
  EXPECT_FALSE(restart("new disk").store_was_used);
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
  driver_.kill(last_);
  EXPECT_TRUE(restart("new disk").store_was_used);
}

TEST_F(R17Restore, ACorruptedFileIsSetAsideAndRebuilt) {
  const std::vector<std::string> rows = work("disk", 4);
  ASSERT_TRUE(store("disk").corrupt_one_row());
  expect_rebuilt("disk", rows);
  EXPECT_EQ(store("disk").times_set_aside(), 1);
}

TEST_F(R17Restore, AFileWithoutSomeRowsIsSetAsideAndRebuilt) {
  const std::vector<std::string> rows = work("disk", 4);
  const std::optional<Bytes> marker = *store("disk").marker();
  std::vector<store::StoredRow> none;
  ASSERT_TRUE(store("disk").commit(none, *marker, true));
  expect_rebuilt("disk", rows);
}

TEST_F(R17Restore, AFileWithAnUnreadableMarkerIsSetAsideAndRebuilt) {
  const std::vector<std::string> rows = work("disk", 4);
  std::vector<store::StoredRow> none;
  ASSERT_TRUE(store("disk").commit(none, as_bytes("no marker"), false));
  expect_rebuilt("disk", rows);
}

// Its marker lies behind a newer takeover: right by itself, but not what the log came to.
TEST_F(R17Restore, AFileOfAnotherHistoryIsSetAsideAndRebuilt) {
  TestDriver other(world());
  const auto process = other.start("disk", {"source"});
  other.advance(100);
  other.pipe(kToyIn, 0, "a", "add another history 7");
  other.advance(1100);
  other.kill(process);
  const std::vector<std::string> rows = work("disk", 4);
  store("disk") = other.store("disk", "source");
  expect_rebuilt("disk", rows);
}

TEST_F(R17Restore, BugAFileOfAnEpochThatTheLogNeverHadIsSetAsideAndRebuilt) {
  TestDriver other(world());
  for (int i = 0; i < 12; ++i) {
    const auto process = other.start("disk", {"source"});
    other.pipe(kToyIn, 0, "a", "add a b 7");
    other.advance(1500);
    other.kill(process);
  }
  const std::vector<std::string> rows = work("disk", 1);
  store("disk") = other.store("disk", "source");
  expect_rebuilt("disk", rows);
}

TEST_F(R17Restore, IsNeverWipedBecauseOfACrash) {
  for (int i = 0; i < 30; ++i) {
    const auto process = driver_.start("disk", {"source"});
    driver_.pipe(kToyIn, 0, "a", "add a b 1");
    driver_.kill_at_step(process, i % 2 == 0 ? 3 + i : 60 + i * 2);
    driver_.advance(1500);
    if (driver_.alive(process)) {
      driver_.kill(process);
    }
  }
  EXPECT_EQ(store("disk").times_set_aside(), 0);
  EXPECT_TRUE(restart("disk").store_was_used);
}

TEST_F(R17Restore, BugWhatAZombieAppendsWhileTheTailIsStoredDoesNotEmptyTheFile) {
  const std::vector<std::string> rows = work("disk", 4);
  last_ = driver_.start("new disk", {"source"});
  driver_.step();
  driver_.step();
  driver_.process(last_).hold_background(true);
  driver_.run_until_idle();
  ASSERT_EQ(driver_.status(last_, "source").phase, Phase::restoring);
  driver_.append("state.source.changelog", 0, stream::encode(stream::Marker{}));
  driver_.append("state.source.changelog", 0, stream::encode(stream::Marker{}));
  driver_.run_until_idle();
  driver_.process(last_).hold_background(false);
  driver_.run_until_idle();
  EXPECT_EQ(driver_.status(last_, "source").phase, Phase::running);
  EXPECT_EQ(driver_.count(Kind::restored), 2U) << "once by each owner";
  driver_.kill(last_);
  EXPECT_TRUE(restart("new disk").store_was_used);
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
  EXPECT_EQ(driver_.count(Kind::store_set_aside), 0U);
}

TEST_F(R17Restore, ATakeoverWhileTheTailIsStoredFences) {
  work("disk", 2);
  last_ = driver_.start("new disk", {"source"});
  driver_.step();
  driver_.step();
  driver_.process(last_).hold_background(true);
  driver_.run_until_idle();
  stream::OpenMarker newer = driver_.genesis("source");
  newer.kind = stream::OpenMarker::Kind::takeover;
  newer.nonce.bytes[3] = 9;
  driver_.append("state.source.changelog", 0, stream::encode(newer));
  driver_.run_until_idle();
  EXPECT_EQ(driver_.status(last_, "source").phase, Phase::fenced);
  driver_.process(last_).hold_background(false);
  driver_.advance(2000);
  EXPECT_EQ(driver_.status(last_, "source").phase, Phase::running);
}

TEST_F(R17Restore, AStoreThatIsOpenElsewhereIsTriedAgain) {
  const auto first = driver_.start("disk", {"source"});
  driver_.advance(100);
  const auto second = driver_.start("disk", {"source"});
  driver_.advance(100);
  EXPECT_EQ(driver_.status(second, "source").phase, Phase::failed);
  EXPECT_EQ(driver_.status(first, "source").phase, Phase::running) << "it never took over";
  driver_.kill(first);
  driver_.advance(3000);
  EXPECT_EQ(driver_.status(second, "source").phase, Phase::running);
}

TestDriver::Options with_bases() {
  TestDriver::Options options = world();
  options.task.base_every = 2;
  return options;
}

class R17AfterATrim : public R17Restore {
 protected:
  R17AfterATrim() : R17Restore(with_bases()) {}
};

TEST_F(R17AfterATrim, AFileOlderThanTheTrimPointIsSetAsideAndRebuilt) {
  work("disk", 2);
  const store::MemoryStore old = store("disk");
  const std::vector<std::string> rows = work("disk", 12);
  ASSERT_GE(driver_.count(Kind::base_accepted), 2U);
  store("disk") = old;
  expect_rebuilt("disk", rows);
}

TEST_F(R17AfterATrim, TheStateStartsAtTheBaseWithHashProof) {
  const std::vector<std::string> rows = work("disk", 12);
  EXPECT_FALSE(restart("new disk").store_was_used);
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
}

TEST_F(R17AfterATrim, TheFileIsUsed) {
  const std::vector<std::string> rows = work("disk", 12);
  EXPECT_TRUE(restart("disk").store_was_used);
  EXPECT_EQ(driver_.rows(last_, "source"), rows);
}

TEST_F(R17AfterATrim, WithoutAnAcceptedBaseTheTaskIsHeld) {
  work("disk", 12);
  const stream::TopicIndex topic = driver_.topics().index_of("state.source.changelog");
  const stream::LogBounds bounds = driver_.log().bounds(topic, 0);
  // Somebody deletes too much: what is left begins at a later open marker, without a base.
  stream::OpenMarker open = driver_.genesis("source");
  open.kind = stream::OpenMarker::Kind::takeover;
  driver_.append("state.source.changelog", 0, stream::encode(open));
  driver_.log().delete_before(topic, 0, bounds.end);
  last_ = driver_.start("new disk", {"source"});
  driver_.advance(100);
  EXPECT_EQ(driver_.status(last_, "source").phase, Phase::held);
  EXPECT_NE(driver_.status(last_, "source").reason.find("no accepted base"), std::string::npos);
  EXPECT_EQ(driver_.received(kToyMid).repeats, 0U);
}

// The same with real files.
class R17Files : public ::testing::Test {
 protected:
  R17Files() {
    dir_ = std::filesystem::path(::testing::TempDir()) / ("kpay-r17-" + std::to_string(::getpid()));
    std::filesystem::remove_all(dir_);
  }
  ~R17Files() override { std::filesystem::remove_all(dir_); }
  TestDriver::Options options() {
    TestDriver::Options options = world();
    options.state_dir = dir_;
    return options;
  }
  static void work(TestDriver& driver, int rounds) {
    const auto process = driver.start("disk", {"source"});
    for (int i = 0; i < rounds; ++i) {
      driver.pipe(kToyIn, 0, "a", "add n" + std::to_string(i) + " b 1");
      driver.advance(1100);
    }
    driver.kill(process);
  }

  std::filesystem::path dir_;
};

TEST_F(R17Files, AreUsedAfterACrashAndAfterACleanStop) {
  TestDriver driver(options());
  work(driver, 3);
  auto process = driver.start("disk", {"source"});
  driver.advance(100);
  EXPECT_TRUE(driver.status(process, "source").store_was_used);
  EXPECT_TRUE(driver.stop(process));
  process = driver.start("disk", {"source"});
  driver.advance(100);
  EXPECT_TRUE(driver.status(process, "source").store_was_used);
  EXPECT_EQ(driver.status(process, "source").rows, 3U);
}

TEST_F(R17Files, ThatWereTruncatedRolledBackOrSwappedAreRebuilt) {
  TestDriver driver(options());
  work(driver, 2);
  const std::filesystem::path file = driver.state_file("disk", "source");
  std::filesystem::copy_file(file, dir_ / "old");
  work(driver, 3);
  const auto expect_state = [&](bool used) {
    const auto process = driver.start("disk", {"source"});
    driver.advance(100);
    EXPECT_EQ(driver.status(process, "source").phase, Phase::running);
    EXPECT_EQ(driver.status(process, "source").store_was_used, used);
    EXPECT_EQ(sum_of(*driver.task(process, "source"), "n2"), -1);
    EXPECT_EQ(driver.status(process, "source").rows, 3U);
    driver.kill(process);
  };
  std::filesystem::resize_file(file, std::filesystem::file_size(file) / 2);
  expect_state(false);
  std::filesystem::copy_file(dir_ / "old", file, std::filesystem::copy_options::overwrite_existing);
  expect_state(true);
  std::ofstream(file)
      << "not a database at all, but long enough to be read as a header of one ....";
  expect_state(false);
  expect_state(true);
  TestDriver other(options());  // another log with the same identity: it never met these markers
  const auto process = other.start("disk", {"source"});
  other.pipe(kToyIn, 0, "a", "add a b 1");
  other.advance(1500);
  EXPECT_EQ(other.status(process, "source").phase, Phase::running);
  EXPECT_FALSE(other.status(process, "source").store_was_used);
  EXPECT_EQ(other.status(process, "source").rows, 1U);
}

}  // namespace
}  // namespace kpay::test
