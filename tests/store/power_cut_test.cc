// The power goes at each step of a state file's life, and the disk keeps of what was not synced
// nothing, all, or any part of it: what is found then is a state that was committed, no older than
// the store promises. docs/store.md, "A power cut".
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "store/power_device.h"
#include "store/state_file.h"
#include "stream/snapshot.h"
#include "stream/table.h"

namespace kpay::store {
namespace {

namespace fs = std::filesystem;
using Rows = std::map<std::string, std::string>;

constexpr int kRows = 14;  // that a commit changes
constexpr int kKeys = 40;
constexpr int kSmallWalPages = 6;

// The connection that was opened last: the tests move its WAL earlier than 32 MB.
sqlite3* connection = nullptr;
int note_connection(sqlite3* opened, const char**, const sqlite3_api_routines*) {
  connection = opened;
  return SQLITE_OK;
}

class PowerCut : public ::testing::Test {
 protected:
  void SetUp() override {
    const fs::path memory = "/dev/shm";  // what is tested syncs by the device alone
    dir_ = (fs::exists(memory) ? memory : fs::path(::testing::TempDir())) /
           ("kpay-power-cut-" + std::to_string(::getpid()));
    sqlite3_auto_extension(reinterpret_cast<void (*)()>(note_connection));
    manifest_.stage = "account";
    manifest_.identity = {"cluster-1", {{1}}, 1, {{{2}}, {{3}}, {{4}}}};
    manifest_.instance = "account-1";
    manifest_.build = "1.0.0";
  }
  void TearDown() override {
    sqlite3_cancel_auto_extension(reinterpret_cast<void (*)()>(note_connection));
    RecordProperty("looks", looks_);
    RecordProperty("steps", now_.step);
    RecordProperty("behind", behind_);
    fs::remove_all(dir_);
  }

  // What may be found at some moment, and what the power leaves of the files then.
  struct Moment {
    int step = 0;
    int promised = 0;        // no older commit than this
    int tried = 0;           // and no younger one
    bool set_aside = false;  // a file was put away, and the one in its place isn't promised yet
    std::set<std::string> snapshots;
    PowerDevice::Files files;
  };

  [[nodiscard]] Bytes identity() const {
    return stream::file_identity(manifest_.stage, 0, manifest_.identity);
  }
  std::unique_ptr<StateFile> open(const fs::path& folder) {
    Result<std::unique_ptr<StateFile>> file =
        StateFile::open({(folder / "account-0.db").string(), identity(), full_});
    EXPECT_TRUE(file) << file.error().message;
    return file ? std::move(*file) : nullptr;
  }

  // Commit n changes some rows, removes one of them, and every third one replaces all.
  void commit(StateFile& file, bool replace) {
    const int number = static_cast<int>(states_.size());
    Rows rows = replace ? Rows() : states_.back();
    Rows put;
    for (int i = 0; i < kRows; ++i) {
      put["key-" + std::to_string((number * 9 + i) % kKeys)] =
          std::string(static_cast<std::size_t>(200 + number * 13), static_cast<char>('a' + number));
    }
    const std::string gone = put.begin()->first;
    std::vector<StoredRow> stored;
    for (const auto& [key, value] : put) {
      rows[key] = value;
      stored.push_back({1, as_bytes(key), as_bytes(value)});
    }
    rows.erase(gone);
    stored.push_back({1, as_bytes(gone), std::nullopt});
    states_.push_back(rows);
    stream::Marker marker;
    marker.number = static_cast<std::uint64_t>(number);
    marker.registers.position = number;
    marker.state_hash = stream::state_hash(sum_of(rows), marker.registers);
    now_.tried = number;
    const Result<void> done = file.commit(stored, stream::encode(marker), replace);
    ASSERT_TRUE(done) << done.error().message;
    now_.promised = full_ && !now_.set_aside ? number : now_.promised;
  }
  void checkpoint() {
    ASSERT_EQ(
        sqlite3_wal_checkpoint_v2(connection, nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr),
        SQLITE_OK);
    promise();
  }
  void promise() {
    now_.promised = now_.tried;
    now_.set_aside = false;
  }
  static Hash128 sum_of(const Rows& rows) {
    Hash128 sum;
    for (const auto& [key, value] : rows) {
      sum += stream::row_hash(1, as_bytes(key), as_bytes(value));
    }
    return sum;
  }

  // Lives once for each kind of what may be left and each seed, and looks at what each step leaves.
  template <class Live, class Look>
  void cut_at_each_step(int seeds, Live live, Look look) {
    for (int seed = 0; seed < seeds; ++seed) {
      for (int kind = 0; kind < static_cast<int>(PowerDevice::Leaves::count_); ++kind) {
        const auto leaves = static_cast<PowerDevice::Leaves>(kind);
        const bool by_chance = leaves > PowerDevice::Leaves::all;
        if (seed > 0 && !by_chance) {
          continue;
        }
        const std::vector<Moment> moments = live_once(leaves, seed, live);
        for (const Moment& moment : moments) {
          SCOPED_TRACE("step " + std::to_string(moment.step) + ", leaves " + std::to_string(kind) +
                       ", seed " + std::to_string(seed));
          put(moment.files);
          look(moment);
          ++looks_;
          if (HasFailure()) {
            return;
          }
        }
      }
    }
  }
  template <class Live>
  std::vector<Moment> live_once(PowerDevice::Leaves leaves, int seed, Live live) {
    fs::remove_all(dir_);
    fs::create_directories(dir_ / "life" / "kept");
    states_.assign(1, {});
    now_ = {};
    std::vector<Moment> moments;
    PowerDevice device(dir_ / "life");
    device.at_step = [&] {
      ++now_.step;
      const auto chance = static_cast<std::uint64_t>(seed * 100'000 + now_.step);
      Moment moment = now_;
      moment.files = device.power_cut(leaves, chance);
      if (moments.empty() || moments.back().files != moment.files ||
          moments.back().promised != moment.promised ||
          moments.back().snapshots != moment.snapshots) {
        moments.push_back(std::move(moment));
      }
    };
    live();
    return moments;
  }
  void put(const PowerDevice::Files& files) {
    fs::remove_all(dir_ / "cut");
    fs::create_directories(dir_ / "cut");
    for (const auto& [name, bytes] : files) {
      const fs::path path = dir_ / "cut" / name;
      fs::create_directories(path.parent_path());
      std::ofstream(path, std::ios::binary) << bytes;
    }
  }

  // As a task does before it believes a file (R17); nothing when it sets it aside.
  std::optional<int> believed(StateFile& file) {
    const Result<std::optional<Bytes>> bytes = file.marker();
    if (!bytes) {
      return std::nullopt;
    }
    if (!*bytes) {
      return 0;  // whatever rows there are go with the first commit
    }
    Rows rows;
    const Result<void> loaded = file.load([&](const StoredRow& row) -> Result<void> {
      rows[std::string(as_text(row.key))] = as_text(*row.value);
      return {};
    });
    const auto record = stream::decode_changelog(**bytes);
    const auto* marker = record ? std::get_if<stream::Marker>(&*record) : nullptr;
    if (!loaded || marker == nullptr ||
        stream::state_hash(sum_of(rows), marker->registers) != marker->state_hash) {
      return std::nullopt;
    }
    EXPECT_TRUE(rows == states_.at(marker->number)) << "a wrong state of " << marker->number;
    return static_cast<int>(marker->number);
  }

  void expect_promised(const Moment& moment) {
    std::unique_ptr<StateFile> file = open(dir_ / "cut");
    ASSERT_TRUE(file);
    const std::optional<int> number = believed(*file);
    EXPECT_LE(number.value_or(0), moment.tried);
    if (!moment.set_aside) {
      EXPECT_EQ(file->aside(), "") << "no file is set aside because of a power cut";
      ASSERT_TRUE(number) << "nor because it isn't believed";
      EXPECT_GE(*number, moment.promised);
      behind_ += *number < moment.tried ? 1 : 0;
    }
    std::vector<StoredRow> rows{{1, as_bytes("key"), as_bytes("value")}};
    EXPECT_TRUE(file->commit(rows, as_bytes("marker"), !number)) << "and it goes on";
  }

  // Opened, filled, its WAL moved at will and by itself and begun anew, closed, opened again.
  void live_long() {
    const fs::path folder = dir_ / "life";
    std::unique_ptr<StateFile> file = open(folder);
    if (!syncs_) {
      sqlite3_exec(connection, "PRAGMA synchronous=OFF", nullptr, nullptr, nullptr);
    }
    commit(*file, false);
    commit(*file, false);
    checkpoint();
    commit(*file, true);
    commit(*file, false);
    checkpoint();
    commit(*file, false);
    file.reset();
    promise();
    file = open(folder);
    sqlite3_wal_autocheckpoint(connection, kSmallWalPages);
    for (const bool replace : {false, true, false, false}) {
      commit(*file, replace);
    }
    file.reset();
    promise();
  }

  fs::path dir_;
  bool full_ = false;
  bool syncs_ = true;
  stream::SnapshotManifest manifest_;
  std::vector<Rows> states_;  // by number of the commit
  Moment now_;
  int looks_ = 0;
  int behind_ = 0;
};

TEST_F(PowerCut, R17ACommittedStateIsFoundNoOlderThanTheLastCheckpointOfTheWal) {
  cut_at_each_step(
      3, [this] { live_long(); }, [this](const Moment& moment) { expect_promised(moment); });
  EXPECT_GT(looks_, 500);
  EXPECT_GT(behind_, looks_ / 20) << "commits that were not synced do get lost";
}

TEST_F(PowerCut, R17WithFullSyncNoCommitIsLost) {
  full_ = true;
  cut_at_each_step(
      2, [this] { live_long(); }, [this](const Moment& moment) { expect_promised(moment); });
  EXPECT_GT(looks_, 500);
}

// What the two above find would be found: this is what the device does to a file that isn't synced.
TEST_F(PowerCut, AFileThatIsNotSyncedIsDamagedAndStillNoWrongStateIsBelieved) {
  syncs_ = false;
  int damaged = 0;
  int older = 0;
  cut_at_each_step(
      1, [this] { live_long(); },
      [&](const Moment& moment) {
        std::unique_ptr<StateFile> file = open(dir_ / "cut");
        ASSERT_TRUE(file);
        const std::optional<int> number = believed(*file);
        damaged += !file->aside().empty() || !number ? 1 : 0;
        older += number.value_or(moment.promised) < moment.promised ? 1 : 0;
      });
  RecordProperty("damaged", damaged);
  EXPECT_GT(damaged, 0);
  EXPECT_GT(older, 0);
}

// The names of what is put away may be back or gone, each by itself, until the new file's folder is
// synced: a mixture of both is never believed.
TEST_F(PowerCut, R17AFileThatIsSetAsideIsNeverBelievedMixedWithTheNewOne) {
  cut_at_each_step(
      4,
      [this] {
        std::unique_ptr<StateFile> file = open(dir_ / "life");
        commit(*file, false);
        checkpoint();
        commit(*file, false);
        now_.set_aside = true;
        now_.promised = 0;
        ASSERT_TRUE(file->set_aside("refuted"));
        commit(*file, true);
        commit(*file, false);
        checkpoint();
        commit(*file, false);
        file.reset();
        promise();
      },
      [this](const Moment& moment) { expect_promised(moment); });
  EXPECT_GT(looks_, 300);
}

// A snapshot that was told of is there, and whatever has a snapshot's name is a whole one (R20).
TEST_F(PowerCut, ASnapshotThatHasItsNameIsWhole) {
  const auto take = [this](StateFile& file) {
    const std::string making = (dir_ / "life" / "kept" / ".making-account-0").string();
    fs::create_directories(making);
    ASSERT_TRUE(file.begin_copy(making + "/" + std::string(stream::kSnapshotFile)));
    for (bool first = true; !*file.copy_more(1); first = false) {
      if (first) {
        commit(file, false);
      }
    }
    const Result<stream::Snapshot> taken =
        stream::finish_snapshot(making, (dir_ / "life" / "kept").string(), manifest_);
    ASSERT_TRUE(taken) << taken.error().message;
    now_.snapshots.insert(fs::path(taken->folder).filename().string());
  };
  cut_at_each_step(
      4,
      [&] {
        std::unique_ptr<StateFile> file = open(dir_ / "life");
        commit(*file, false);
        take(*file);
        commit(*file, true);
        take(*file);
      },
      [this](const Moment& moment) {
        std::set<std::string> found;
        const auto snapshots = stream::list_snapshots(
            (dir_ / "cut" / "kept").string(), [](const std::string& folder, const Error& error) {
              ADD_FAILURE() << folder << ": " << error.message;
            });
        for (const stream::Snapshot& snapshot : snapshots) {
          found.insert(fs::path(snapshot.folder).filename().string());
          Rows rows;
          const Result<void> whole =
              stream::check_snapshot(snapshot, [&](const StoredRow& row) -> Result<void> {
                rows[std::string(as_text(row.key))] = as_text(*row.value);
                return {};
              });
          EXPECT_TRUE(whole) << whole.error().message;
          EXPECT_TRUE(rows == states_.at(snapshot.manifest.marker.number));
        }
        EXPECT_TRUE(std::includes(found.begin(), found.end(), moment.snapshots.begin(),
                                  moment.snapshots.end()));
      });
  EXPECT_GT(looks_, 200);
}

}  // namespace
}  // namespace kpay::store
