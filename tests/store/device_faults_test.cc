// Every single call to the device fails once, in turn: a state file says so, loses nothing that it
// has promised, and is whole when the device is.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "store/database.h"
#include "store/faulty_device.h"
#include "store/state_file.h"

namespace kpay::store {
namespace {

namespace fs = std::filesystem;

constexpr int kCommits = 2;
constexpr int kRows = 40;         // of each commit
constexpr int kMostCalls = 5000;  // a script that makes more is not ours

class DeviceFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) / ("kpay-device-faults-" + std::to_string(::getpid()));
    fs::remove_all(dir_);
  }
  void TearDown() override { fs::remove_all(dir_); }

  void begin() {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    promised_ = 0;
    tried_ = 0;
  }
  Result<std::unique_ptr<StateFile>> open() {
    return StateFile::open({(dir_ / "task.db").string(), to_bytes(as_bytes("me")), true});
  }

  // Commit n leaves exactly the rows of n, each with n as its value, and "n" as the marker.
  Result<void> commit(StateFile& file, int number) {
    const std::string value(900, static_cast<char>('0' + number));
    std::vector<std::string> keys;
    std::vector<StoredRow> rows;
    for (int i = 0; i < kRows; ++i) {
      keys.push_back(std::to_string(number) + "-" + std::to_string(i));
    }
    for (const std::string& key : keys) {
      rows.push_back({1, as_bytes(key), as_bytes(value)});
    }
    tried_ = number;
    Result<void> done = file.commit(rows, as_bytes(std::to_string(number)), true);
    promised_ = done ? number : promised_;
    return done;
  }

  // Everything that a task, a daemon and a snapshot do with it.
  Result<void> live() {
    Result<std::unique_ptr<StateFile>> file = open();
    if (!file) {
      return Unexpected(file.error());
    }
    for (int number = 1; number <= kCommits; ++number) {
      if (Result<void> done = commit(**file, number); !done) {
        return done;
      }
    }
    file->reset();
    file = open();
    if (!file) {
      return Unexpected(file.error());
    }
    if (Result<void> seen = see(**file).read; !seen) {
      return seen;
    }
    return copy(**file);
  }

  struct Seen {
    Result<void> read;
    std::string marker;
    int rows = 0;
    bool alike = true;  // each row has the marker's value
  };
  static Seen see(StateFile& file) {
    Seen seen;
    const Result<std::optional<Bytes>> marker = file.marker();
    if (!marker) {
      seen.read = Unexpected(marker.error());
      return seen;
    }
    seen.marker = *marker ? std::string(as_text(**marker)) : "0";
    seen.read = file.load([&seen](const StoredRow& row) -> Result<void> {
      ++seen.rows;
      seen.alike = seen.alike && as_text(*row.value).front() == seen.marker.front();
      return {};
    });
    if (seen.read) {
      const Result<std::vector<KeyValue>> some = file.range(1, as_bytes("0"), as_bytes("9"), 7);
      seen.read = some ? Result<void>() : Unexpected(some.error());
    }
    return seen;
  }

  Result<void> copy(StateFile& file) {
    const std::string path = (dir_ / "copy.db").string();
    if (Result<void> begun = file.begin_copy(path); !begun) {
      return begun;
    }
    for (;;) {
      const Result<bool> whole = file.copy_more(3);
      if (!whole) {
        EXPECT_FALSE(fs::exists(path)) << "nothing is left of a copy that failed";
        return Unexpected(whole.error());
      }
      if (*whole) {
        break;
      }
    }
    Result<std::unique_ptr<StateFile>> copied = StateFile::open_copy(path);
    if (!copied) {
      return Unexpected(copied.error());
    }
    const Result<Bytes> whose = (*copied)->identity();
    if (!whose) {
      return Unexpected(whose.error());
    }
    const Seen seen = see(**copied);
    if (seen.read) {
      EXPECT_EQ(seen.rows, kRows);
      EXPECT_TRUE(seen.alike);
    }
    return seen.read;
  }

  // With a device that works: the last promised commit, or the one that was under way; whole.
  void expect_whole() {
    Result<std::unique_ptr<StateFile>> file = open();
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_TRUE((*file)->aside().empty()) << "a device's error is no damage: " << (*file)->aside();
    const Seen seen = see(**file);
    ASSERT_TRUE(seen.read) << seen.read.error().message;
    EXPECT_TRUE(seen.marker == std::to_string(promised_) || seen.marker == std::to_string(tried_))
        << seen.marker << ", promised " << promised_;
    EXPECT_EQ(seen.rows, seen.marker == "0" ? 0 : kRows);
    EXPECT_TRUE(seen.alike) << "rows of another commit than " << seen.marker;
    ASSERT_TRUE(commit(**file, kCommits + 1)) << "and it goes on";
  }

  void fail_each_call(bool on, const std::function<Result<void>()>& live,
                      const std::function<void()>& expect_whole) {
    FaultyDevice device;
    int at = 1;
    for (bool failed = true; failed; ++at) {
      ASSERT_LT(at, kMostCalls);
      begin();
      device.arm(at, on);
      const Result<void> lived = live();
      failed = device.failed();
      device.disarm();
      if (!lived) {
        EXPECT_NE(lived.error().code, ErrorCode::invalid) << lived.error().message;
        EXPECT_NE(lived.error().message.find(dir_.string()), std::string::npos)
            << lived.error().message;
        ++told_;
      }
      expect_whole();
      EXPECT_FALSE(HasFailure()) << "call " << at;
      if (HasFailure()) {
        return;
      }
    }
    EXPECT_GT(at, 50);
    EXPECT_GT(told_, at / 3) << "the faults were felt";
  }

  fs::path dir_;
  int promised_ = 0;
  int tried_ = 0;
  int told_ = 0;
};

TEST_F(DeviceFaults, R17OneCallThatFailsLosesNothingThatWasPromised) {
  fail_each_call(
      false, [this] { return live(); }, [this] { expect_whole(); });
}

TEST_F(DeviceFaults, R17ADeviceThatIsGoneFromOneCallOnLosesNothingThatWasPromised) {
  fail_each_call(
      true, [this] { return live(); }, [this] { expect_whole(); });
}

// Of what can be rebuilt, a transaction is there as a whole or not at all.
class DatabaseFaults : public DeviceFaults {
 protected:
  [[nodiscard]] Database::Options options(bool writes) const {
    return {(dir_ / "index.db").string(), writes};
  }

  Result<void> live() {
    Result<std::unique_ptr<Database>> file = Database::open(options(true));
    if (!file) {
      return Unexpected(file.error());
    }
    if (Result<void> made = (*file)->run("CREATE TABLE t(n INTEGER PRIMARY KEY, bytes BLOB)");
        !made) {
      return made;
    }
    for (int number = 1; number <= kCommits; ++number) {
      if (Result<void> done = fill(**file, number); !done) {
        return done;
      }
    }
    if (Result<void> moved = (*file)->run("PRAGMA wal_checkpoint(TRUNCATE)"); !moved) {
      return moved;
    }
    const Result<std::int64_t> rows = count();
    return rows ? Result<void>() : Unexpected(rows.error());
  }

  Result<void> fill(Database& file, int number) {
    tried_ = number;
    Result<void> done = file.run("BEGIN IMMEDIATE");
    Result<Statement> insert = file.prepare("INSERT INTO t(n, bytes) VALUES(?1, ?2)");
    if (!done || !insert) {
      return done ? Unexpected(insert.error()) : done;
    }
    const std::string bytes(900, 'x');
    for (int i = 0; i < kRows && done; ++i) {
      done = insert->bind(1, std::int64_t{number * kRows + i}).bind(2, as_bytes(bytes)).run();
    }
    done = done ? file.run("COMMIT") : done;
    promised_ = done ? number : promised_;
    return done;
  }

  Result<std::int64_t> count() const {
    Result<std::unique_ptr<Database>> file = Database::open(options(false));
    if (!file) {
      return Unexpected(file.error());
    }
    Result<Statement> query = (*file)->prepare("SELECT count(*) FROM t WHERE length(bytes)=900");
    if (!query) {
      return Unexpected(query.error());
    }
    const Result<bool> row = query->step();
    return row ? Result<std::int64_t>(query->number(0)) : Unexpected(row.error());
  }

  void expect_whole() {
    Result<std::unique_ptr<Database>> file = Database::open(options(true));
    ASSERT_TRUE(file) << file.error().message;
    ASSERT_TRUE((*file)->run("CREATE TABLE IF NOT EXISTS t(n INTEGER PRIMARY KEY, bytes BLOB)"));
    const Result<std::int64_t> rows = count();
    ASSERT_TRUE(rows) << rows.error().message;
    EXPECT_TRUE(*rows == promised_ * kRows || *rows == tried_ * kRows)
        << *rows << " rows, promised " << promised_ * kRows;
    EXPECT_TRUE(fill(**file, kCommits + 1)) << "and it goes on";
  }
};

TEST_F(DatabaseFaults, OneCallThatFailsLeavesWholeTransactions) {
  fail_each_call(
      false, [this] { return live(); }, [this] { expect_whole(); });
}

TEST_F(DatabaseFaults, ADeviceThatIsGoneFromOneCallOnLeavesWholeTransactions) {
  fail_each_call(
      true, [this] { return live(); }, [this] { expect_whole(); });
}

}  // namespace
}  // namespace kpay::store
