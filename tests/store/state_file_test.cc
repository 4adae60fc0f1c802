// What only the file can get wrong: other processes, damage, other owners' files, a full disk.
#include "store/state_file.h"

#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/resource.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace kpay::store {
namespace {

namespace fs = std::filesystem;

class StateFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) / ("kpay-state-file-" + std::to_string(::getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    path_ = (dir_ / "task-0.db").string();
  }
  void TearDown() override { fs::remove_all(dir_); }

  Result<std::unique_ptr<StateFile>> open(std::string_view identity = "me") {
    return StateFile::open({path_, to_bytes(as_bytes(identity))});
  }
  static Result<void> commit(StateFile& file, std::string_view key, std::string_view value) {
    std::vector<StoredRow> rows{{0, as_bytes(key), as_bytes(value)}};
    return file.commit(rows, as_bytes("marker"), false);
  }
  static std::size_t count(StateFile& file) {
    std::size_t rows = 0;
    const Result<void> loaded = file.load([&](const StoredRow&) -> Result<void> {
      ++rows;
      return {};
    });
    return loaded ? rows : 999'999;
  }
  [[nodiscard]] std::size_t asides() const {
    std::size_t found = 0;
    for (const fs::directory_entry& entry : fs::directory_iterator(dir_)) {
      const std::string name = entry.path().filename().string();
      found += name.find(".aside-") != std::string::npos && name.find("-wal") == std::string::npos
                   ? 1
                   : 0;
    }
    return found;
  }
  void damage(std::uint64_t at, const std::string& bytes) {
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(at));
    file << bytes;
  }

  fs::path dir_;
  std::string path_;
};

TEST_F(StateFileTest, WhatWasCommittedIsThereAfterAReopen) {
  ASSERT_TRUE(commit(**open(), "a", "1"));
  Result<std::unique_ptr<StateFile>> again = open();
  ASSERT_TRUE(again);
  EXPECT_EQ(count(**again), 1U);
  EXPECT_EQ(as_text(**(*again)->marker()), "marker");
  EXPECT_EQ(asides(), 0U);
}

TEST_F(StateFileTest, ASecondOpenerGetsAConflict) {
  Result<std::unique_ptr<StateFile>> first = open();
  ASSERT_TRUE(first);
  const Result<std::unique_ptr<StateFile>> second = open();
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find("another process"), std::string::npos);
  ASSERT_TRUE(commit(**first, "a", "1")) << "the first one is not disturbed";
  first->reset();
  EXPECT_TRUE(open());
}

TEST_F(StateFileTest, AFileOfAnotherIdentityIsSetAsideAndKept) {
  ASSERT_TRUE(commit(**open("somebody else"), "a", "1"));
  Result<std::unique_ptr<StateFile>> mine = open("me");
  ASSERT_TRUE(mine);
  EXPECT_EQ(count(**mine), 0U);
  EXPECT_NE((*mine)->aside().find("-other-identity"), std::string::npos);
  const std::string aside = (*mine)->aside();
  mine->reset();
  path_ = aside;
  Result<std::unique_ptr<StateFile>> kept = open("somebody else");
  ASSERT_TRUE(kept);
  EXPECT_EQ(count(**kept), 1U);
}

TEST_F(StateFileTest, AFileThatIsNoDatabaseIsSetAside) {
  std::ofstream(path_) << std::string(10'000, 'x');
  Result<std::unique_ptr<StateFile>> file = open();
  ASSERT_TRUE(file);
  EXPECT_EQ(count(**file), 0U);
  EXPECT_EQ(asides(), 1U);
}

TEST_F(StateFileTest, ADatabaseOfSomethingElseIsSetAside) {
  ASSERT_TRUE(open());
  const int built = std::system(
      ("sqlite3 '" + path_ + "' 'DROP TABLE meta; CREATE TABLE meta(x)' 2>/dev/null").c_str());
  if (built != 0) {
    GTEST_SKIP() << "no sqlite3 command here";
  }
  Result<std::unique_ptr<StateFile>> file = open();
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(asides(), 1U);
}

TEST_F(StateFileTest, ATruncatedFileGivesAnErrorOrIsSetAsideButNeverFewerRows) {
  for (const double part : {0.0, 0.1, 0.5, 0.9}) {
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    {
      auto file = std::move(*open());
      for (int i = 0; i < 200; ++i) {
        ASSERT_TRUE(commit(*file, "key" + std::to_string(i), std::string(500, 'v')));
      }
    }
    fs::resize_file(path_,
                    static_cast<std::uintmax_t>(static_cast<double>(fs::file_size(path_)) * part));
    Result<std::unique_ptr<StateFile>> file = open();
    ASSERT_TRUE(file) << file.error().message;
    const bool empty = (*file)->marker() && !*(*file)->marker();
    EXPECT_TRUE(empty || count(**file) == 999'999) << part;
  }
}

TEST_F(StateFileTest, DamageInThePagesIsReportedAsCorrupt) {
  {
    auto file = std::move(*open());
    for (int i = 0; i < 200; ++i) {
      ASSERT_TRUE(commit(*file, "key" + std::to_string(i), std::string(500, 'v')));
    }
  }
  for (std::uint64_t page = 2; page < 10; ++page) {
    damage(page * 8192, std::string(64, '\xff'));
  }
  Result<std::unique_ptr<StateFile>> file = open();
  ASSERT_TRUE(file);
  const Result<void> loaded = (*file)->load([](const StoredRow&) -> Result<void> { return {}; });
  const bool aside = asides() == 1;
  EXPECT_TRUE(aside || (!loaded && loaded.error().code == ErrorCode::corrupt));
  ASSERT_TRUE((*file)->set_aside("damaged"));
  EXPECT_EQ(count(**file), 0U);
}

TEST_F(StateFileTest, WhatWasSetAsideIsNeverOverwritten) {
  auto file = std::move(*open());
  for (std::size_t n = 1; n <= 5; ++n) {
    ASSERT_TRUE(commit(*file, "a", "1"));
    ASSERT_TRUE(file->set_aside("same"));
    EXPECT_EQ(asides(), n);
  }
}

TEST_F(StateFileTest, LargeRowsAndManyRowsComeBack) {
  auto file = std::move(*open());
  const std::string large(3'000'000, 'L');
  ASSERT_TRUE(commit(*file, "large", large));
  std::vector<std::string> keys;
  std::vector<StoredRow> rows;
  for (int i = 0; i < 5000; ++i) {
    keys.push_back("k" + std::to_string(i));
  }
  for (const std::string& key : keys) {
    rows.push_back({1, as_bytes(key), as_bytes("value")});
  }
  ASSERT_TRUE(file->commit(rows, as_bytes("m"), false));
  file.reset();
  file = std::move(*open());
  EXPECT_EQ(count(*file), 5001U);
  const auto found = file->range(0, as_bytes("large"), as_bytes("largf"), 2);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(as_text(found->front().value), large);
}

// A file size limit stands for the full disk.
TEST_F(StateFileTest, AFullDiskFailsTheCommitWholeAndLaterOnesSucceed) {
  auto file = std::move(*open());
  ASSERT_TRUE(commit(*file, "before", "1"));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  auto* const former = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 64 * 1024;
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string large(1'000'000, 'x');
  std::vector<StoredRow> rows{{0, as_bytes("one"), as_bytes("1")},
                              {0, as_bytes("two"), as_bytes(large)}};
  const Result<void> full = file->commit(rows, as_bytes("m2"), true);
  const std::size_t after_failure = count(*file);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
  std::signal(SIGXFSZ, former);
  ASSERT_FALSE(full);
  EXPECT_EQ(full.error().code, ErrorCode::io);
  EXPECT_EQ(after_failure, 1U) << "nothing of the failed commit is there";
  EXPECT_EQ(as_text(**file->marker()), "marker");
  ASSERT_TRUE(file->commit(rows, as_bytes("m2"), false));
  EXPECT_EQ(count(*file), 3U);
}

TEST_F(StateFileTest, AFolderThatIsNotThereIsAnError) {
  path_ = (dir_ / "nowhere" / "task.db").string();
  const Result<std::unique_ptr<StateFile>> file = open();
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::io);
}

// Written by SQLite's own hand, with rows that no commit of ours makes.
TEST_F(StateFileTest, RowsOfAnotherShapeAreReportedAsCorrupt) {
  for (const char* row : {"'text', x'01', x'02'", "-1, x'01', x'02'", "65536, x'01', x'02'",
                          "1, 'text', x'02'", "1, x'01', 'text'", "1, x'01', 7"}) {
    fs::remove(path_);
    ASSERT_TRUE(commit(**open(), "key", "value"));
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    const std::string sql = "INSERT INTO rows VALUES(" + std::string(row) + ")";
    ASSERT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK) << row;
    sqlite3_close(db);
    auto file = std::move(*open());
    EXPECT_TRUE(file->aside().empty());
    const Result<void> loaded = file->load([](const StoredRow&) -> Result<void> { return {}; });
    ASSERT_FALSE(loaded) << row;
    EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
    EXPECT_NE(loaded.error().message.find("another shape"), std::string::npos);
  }
}

TEST_F(StateFileTest, ATableThatIsGoneIsAnErrorOfEachQuestion) {
  auto file = std::move(*open());
  ASSERT_TRUE(commit(*file, "key", "value"));
  file.reset();
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "DROP TABLE rows; DROP TABLE meta", nullptr, nullptr, nullptr),
            SQLITE_OK);
  sqlite3_close(db);
  const auto copy = std::move(*StateFile::open_copy(path_));
  EXPECT_EQ(copy->identity().error().code, ErrorCode::corrupt);
  EXPECT_EQ(copy->marker().error().code, ErrorCode::corrupt);
  EXPECT_EQ(copy->range(0, {}, {}, 1).error().code, ErrorCode::corrupt);
  EXPECT_EQ(copy->load([](const StoredRow&) -> Result<void> { return {}; }).error().code,
            ErrorCode::corrupt);
}

TEST_F(StateFileTest, ACopyThatDoesntSayWhoseItIsIsCorrupt) {
  ASSERT_TRUE(commit(**open(), "key", "value"));
  sqlite3* db = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(db, "DELETE FROM meta", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(db);
  const auto copy = std::move(*StateFile::open_copy(path_));
  const Result<Bytes> whose = copy->identity();
  ASSERT_FALSE(whose);
  EXPECT_EQ(whose.error().code, ErrorCode::corrupt);
  EXPECT_NE(whose.error().message.find("whose state"), std::string::npos);
  EXPECT_FALSE(copy->marker()->has_value());
}

// Their names are signs in the address by which SQLite opens a copy.
TEST_F(StateFileTest, ACopyMayHaveAnyName) {
  ASSERT_TRUE(commit(**open(), "key", "value"));
  for (const char* name : {"50% of it.db", "what?.db", "no#1.db"}) {
    const std::string path = (dir_ / name).string();
    auto file = std::move(*open());
    ASSERT_TRUE(file->begin_copy(path));
    while (!*file->copy_more(10)) {
    }
    const Result<std::unique_ptr<StateFile>> copy = StateFile::open_copy(path);
    ASSERT_TRUE(copy) << copy.error().message;
    EXPECT_EQ(count(**copy), 1U) << name;
  }
  EXPECT_EQ(StateFile::open_copy((dir_ / "none.db").string()).error().code, ErrorCode::not_found);
  const Result<void> nowhere = (*open())->begin_copy((dir_ / "none" / "copy.db").string());
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().code, ErrorCode::io);
}

TEST_F(StateFileTest, AFileThatCantBeSetAsideIsAnError) {
  const std::string path = (dir_ / "task-1.db").string();
  fs::create_directories(path + "-wal" + "/full");
  auto file = std::move(*open());
  path_ = path;
  const Result<std::unique_ptr<StateFile>> blocked = open();
  ASSERT_FALSE(blocked) << "a folder stands where its log would";
  EXPECT_NE(blocked.error().message.find(path), std::string::npos);
}

}  // namespace
}  // namespace kpay::store
