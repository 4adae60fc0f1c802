// Snapshots: a copy that is whole or isn't there, of the very state that its marker tells.
#include "stream/snapshot.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "stream/table.h"

namespace kpay::stream {
namespace {

namespace fs = std::filesystem;

constexpr int kRows = 3000;
constexpr int kPages = 4;

class SnapshotTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) / ("kpay-snapshot-" + std::to_string(::getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_ / "kept");
    manifest_.stage = "account";
    manifest_.partition = 3;
    manifest_.identity = {"cluster-1", {{1}}, 12, {{{2}}, {{3}}, {{4}}}};
    manifest_.taken = {1'795'366'435'000};
    manifest_.instance = "account-1";
    manifest_.build = "1.0.0+abc";
    store_ = open();
  }
  void TearDown() override {
    store_.reset();
    fs::remove_all(dir_);
  }

  std::unique_ptr<store::StateFile> open() {
    return std::move(
        *store::StateFile::open({(dir_ / "account-3.db").string(),
                                 file_identity("account", 3, manifest_.identity), false}));
  }

  // Commits rows from..to as the checkpoint `number`, with the hash that the whole state has then.
  void commit(int from, int to, std::uint64_t number) {
    std::vector<Bytes> keys;
    std::vector<store::StoredRow> rows;
    for (int i = from; i < to; ++i) {
      keys.push_back(to_bytes(as_bytes("key-" + std::to_string(i))));
    }
    for (const Bytes& key : keys) {
      rows.push_back({1, key, ByteView(key)});
      rows_ += row_hash(1, key, key);
    }
    Marker marker;
    marker.epoch = 4;
    marker.number = number;
    marker.registers.position = static_cast<std::int64_t>(number) * 100;
    marker.state_hash = state_hash(rows_, marker.registers);
    ASSERT_TRUE(store_->commit(rows, encode(marker), false));
  }
  std::string begin() {
    const std::string making = (dir_ / "kept" / ".making-account-3").string();
    fs::create_directories(making);
    EXPECT_TRUE(store_->begin_copy(making + "/state.db"));
    return making;
  }
  Snapshot take() {
    const std::string making = begin();
    while (!*store_->copy_more(kPages)) {
    }
    Result<Snapshot> snapshot = finish_snapshot(making, kept(), manifest_);
    EXPECT_TRUE(snapshot) << (snapshot ? "" : snapshot.error().message);
    return *snapshot;
  }
  [[nodiscard]] std::string kept() const { return (dir_ / "kept").string(); }
  [[nodiscard]] std::vector<Snapshot> list() {
    damaged_.clear();
    return list_snapshots(kept(), [this](const std::string&, const Error& error) {
      damaged_.push_back(error.message);
    });
  }
  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  fs::path dir_;
  SnapshotManifest manifest_;
  std::unique_ptr<store::StateFile> store_;
  Hash128 rows_;
  std::vector<std::string> damaged_;
};

TEST_F(SnapshotTest, IsTheStateOfItsMarkerAndSaysSoToAnybody) {
  commit(0, kRows, 7);
  const Snapshot taken = take();
  EXPECT_EQ(taken.folder, kept() + "/account-3-000000000007");
  EXPECT_EQ(taken.manifest.marker.registers.position, 700);
  const Result<Snapshot> found = read_snapshot(taken.folder);
  ASSERT_TRUE(found);
  EXPECT_EQ(encode(found->manifest), encode(taken.manifest));
  int rows = 0;
  const Result<void> checked = check_snapshot(*found, [&](const store::StoredRow&) -> Result<void> {
    ++rows;
    return {};
  });
  EXPECT_TRUE(checked) << checked.error().message;
  EXPECT_EQ(rows, kRows);
  EXPECT_EQ(fs::directory_iterator(taken.folder)->path().parent_path(), taken.folder);
}

TEST_F(SnapshotTest, WhatIsCommittedWhileItIsCopiedIsInIt) {
  commit(0, kRows, 7);
  const std::string making = begin();
  ASSERT_FALSE(*store_->copy_more(kPages));
  commit(kRows, kRows + 50, 8);
  ASSERT_FALSE(*store_->copy_more(kPages));
  commit(kRows + 50, kRows + 60, 9);
  while (!*store_->copy_more(kPages)) {
  }
  const Result<Snapshot> taken = finish_snapshot(making, kept(), manifest_);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->manifest.marker.number, 9U);
  EXPECT_TRUE(check_snapshot(*taken));
}

TEST_F(SnapshotTest, OneThatWasNotFinishedIsNone) {
  commit(0, kRows, 7);
  const std::string making = begin();
  ASSERT_FALSE(*store_->copy_more(kPages));
  EXPECT_TRUE(list().empty());
  store_.reset();  // the task was let go: its copy goes with it
  EXPECT_FALSE(fs::exists(making + "/state.db"));
  EXPECT_FALSE(read_snapshot(making));
}

TEST_F(SnapshotTest, ASecondOneAsOfTheSameMarkerIsTheFirst) {
  commit(0, 10, 7);
  const Snapshot first = take();
  const Snapshot second = take();
  EXPECT_EQ(first.folder, second.folder);
  EXPECT_EQ(list().size(), 1U);
  EXPECT_FALSE(fs::exists(kept() + "/.making-account-3"));
}

TEST_F(SnapshotTest, AreListedByTaskAndMarkerAndDamagedOnesNamed) {
  for (const std::uint64_t number : {9U, 10U, 11U}) {
    commit(static_cast<int>(number), static_cast<int>(number) + 1, number);
    (void)take();
  }
  const std::string manifest = kept() + "/account-3-000000000010/manifest";
  write(manifest, read(manifest).replace(0, 4, "kbay"));
  const std::vector<Snapshot> found = list();
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].manifest.marker.number, 9U);
  EXPECT_EQ(found[1].manifest.marker.number, 11U);
  ASSERT_EQ(damaged_.size(), 1U);
  EXPECT_NE(damaged_[0].find("line 1"), std::string::npos) << damaged_[0];
}

// Torn at any length, and one bit of each of many places: never taken for right.
TEST_F(SnapshotTest, ATornOrFlippedFileIsFound) {
  commit(0, 200, 7);
  const Snapshot taken = take();
  const std::string path = taken.folder + "/state.db";
  const std::string whole = read(path);
  for (std::size_t size = 0; size < whole.size(); size += 997) {
    write(path, whole.substr(0, size));
    const Result<void> checked = check_snapshot(taken);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::corrupt);
  }
  for (std::size_t at = 0; at < whole.size(); at += 499) {
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ 16);
    write(path, flipped);
    ASSERT_FALSE(check_snapshot(taken)) << at;
  }
  write(path, whole);
  EXPECT_TRUE(check_snapshot(taken));
}

TEST_F(SnapshotTest, ATornOrFlippedManifestIsFound) {
  commit(0, 10, 7);
  const std::string text = encode(take().manifest);
  for (std::size_t size = 0; size < text.size(); ++size) {
    EXPECT_FALSE(decode_manifest(text.substr(0, size))) << size;
  }
  EXPECT_FALSE(decode_manifest(text + "x\n"));
  std::string other = text;
  other.replace(other.find("position 700"), 12, "position 701");
  const Result<SnapshotManifest> decoded = decode_manifest(other);
  ASSERT_FALSE(decoded);
  EXPECT_NE(decoded.error().message.find("marker's record"), std::string::npos);
}

// As if the sum had been made anew, too: what the rows are the state of is told by the marker.
TEST_F(SnapshotTest, R17AFileWithoutItsMarkerIsNotBelieved) {
  commit(0, 10, 7);
  Snapshot older = take();
  commit(10, 20, 8);
  const Snapshot newer = take();
  fs::copy_file(newer.folder + "/state.db", older.folder + "/state.db",
                fs::copy_options::overwrite_existing);
  older.manifest.file = newer.manifest.file;
  const Result<void> checked = check_snapshot(older);
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("its marker"), std::string::npos);
}

TEST_F(SnapshotTest, AnotherTasksFileIsRefused) {
  commit(0, 10, 7);
  const std::string making = begin();
  while (!*store_->copy_more(kPages)) {
  }
  manifest_.partition = 4;
  const Result<Snapshot> taken = finish_snapshot(making, kept(), manifest_);
  ASSERT_FALSE(taken);
  EXPECT_EQ(taken.error().code, ErrorCode::corrupt);
  EXPECT_TRUE(list().empty());
}

// Everything else is in order, and the marker's hash is of other rows.
TEST_F(SnapshotTest, R14RowsWithoutTheMarkersHashAreFound) {
  commit(0, 10, 7);
  rows_ += Hash128{1, 1};
  commit(10, 20, 8);
  const Result<void> checked = check_snapshot(take());
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, ErrorCode::corrupt);
  EXPECT_NE(checked.error().message.find("don't have the hash"), std::string::npos);
}

TEST_F(SnapshotTest, WhatStandsInTheWayIsNamedAndNoSnapshotIsMade) {
  commit(0, 10, 7);
  const auto refused = [this](const std::string& making, const std::string& into, ErrorCode code) {
    const Result<Snapshot> made = finish_snapshot(making, into, manifest_);
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().code, code) << made.error().message;
    EXPECT_NE(made.error().message.find(dir_.string()), std::string::npos) << made.error().message;
    EXPECT_TRUE(list().empty());
  };
  const auto whole = [this] {
    fs::remove_all(dir_ / "kept" / ".making-account-3");
    std::string making = begin();
    while (!*store_->copy_more(kPages)) {
    }
    return making;
  };
  refused((dir_ / "nothing").string(), kept(), ErrorCode::io);
  refused(whole(), (dir_ / "none" / "kept").string(), ErrorCode::io);
  const std::string making = whole();
  fs::create_directories(making + "/manifest");
  refused(making, kept(), ErrorCode::io);
  (void)whole();
  write(kept() + "/account-3-000000000007", "a file that has its name");
  refused(making, kept(), ErrorCode::io);
}

TEST_F(SnapshotTest, AStateWithoutAMarkerIsNone) {
  const std::string making = begin();
  while (!*store_->copy_more(kPages)) {
  }
  const Result<Snapshot> made = finish_snapshot(making, kept(), manifest_);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, ErrorCode::corrupt);
  EXPECT_NE(made.error().message.find("no marker"), std::string::npos);
}

TEST_F(SnapshotTest, AMissingFileAndAnEndlessManifestAreFound) {
  commit(0, 10, 7);
  const Snapshot taken = take();
  fs::remove(taken.folder + "/state.db");
  EXPECT_FALSE(check_snapshot(taken));
  write(taken.folder + "/manifest", std::string(kManifestBytesMax + 1, 'x'));
  const Result<Snapshot> read = read_snapshot(taken.folder);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("larger than any"), std::string::npos);
  fs::create_directories(kept() + "/empty");
  write(kept() + "/a file", "of something else");
  EXPECT_TRUE(list().empty());
  EXPECT_EQ(damaged_.size(), 1U) << "only what says that it is one";
}

TEST_F(SnapshotTest, WhatTheRowsAreForMayRefuseThem) {
  commit(0, 10, 7);
  const Result<void> checked = check_snapshot(take(), [](const store::StoredRow&) -> Result<void> {
    return Unexpected(ErrorCode::refused, "not here");
  });
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message, "not here");
}

}  // namespace
}  // namespace kpay::stream
