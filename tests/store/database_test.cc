// Database: what its callers rely on.
#include "store/database.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace kpay::store {
namespace {

namespace fs = std::filesystem;

class DatabaseTest : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = fs::path(::testing::TempDir()) / ("kpay-database-" + std::to_string(::getpid()));
    fs::remove_all(dir_);
    fs::create_directories(dir_);
    path_ = (dir_ / "index.db").string();
  }
  void TearDown() override { fs::remove_all(dir_); }
  [[nodiscard]] Result<std::unique_ptr<Database>> open(bool writes) const {
    return Database::open({path_, writes});
  }

  fs::path dir_;
  std::string path_;
};

TEST_F(DatabaseTest, WhatWasBoundComesBack) {
  const auto file = std::move(*open(true));
  ASSERT_TRUE(file->run("CREATE TABLE t(a INTEGER, b TEXT, c BLOB, d TEXT)"));
  Statement insert = *file->prepare("INSERT INTO t VALUES(?1, ?2, ?3, ?4)");
  ASSERT_TRUE(insert.bind(1, std::int64_t{-7}).bind(2, "").bind(3, ByteView()).bind_null(4).run());
  EXPECT_EQ(file->changes(), 1);
  Statement query = *file->prepare("SELECT a, b, c, d FROM t");
  Statement moved;
  moved = std::move(query);
  ASSERT_TRUE(*moved.step());
  EXPECT_EQ(moved.number(0), -7);
  EXPECT_EQ(moved.text(1), "");
  EXPECT_FALSE(moved.is_null(1)) << "empty is not null";
  EXPECT_TRUE(moved.blob(2).empty());
  EXPECT_FALSE(moved.is_null(2));
  EXPECT_TRUE(moved.is_null(3));
  EXPECT_EQ(moved.text(3), "");
  EXPECT_FALSE(*moved.step());
  moved.reset();
  EXPECT_TRUE(*moved.step());
}

TEST_F(DatabaseTest, ASecondWriterGetsAConflictAndReadersDont) {
  const auto file = std::move(*open(true));
  ASSERT_TRUE(file->run("CREATE TABLE t(a)"));
  EXPECT_EQ(open(true).error().code, ErrorCode::conflict);
  const auto reader = std::move(*open(false));
  EXPECT_TRUE(reader->prepare("SELECT a FROM t"));
  EXPECT_EQ(reader->run("INSERT INTO t VALUES(1)").error().code, ErrorCode::io) << "it only reads";
}

TEST_F(DatabaseTest, WhatIsNotThereOrNoDatabaseIsTold) {
  EXPECT_EQ(open(false).error().code, ErrorCode::io) << "a reader makes no file";
  std::ofstream(path_) << std::string(9000, 'x');
  const Result<std::unique_ptr<Database>> garbage = open(true);
  ASSERT_FALSE(garbage);
  EXPECT_EQ(garbage.error().code, ErrorCode::corrupt);
  EXPECT_NE(garbage.error().message.find(path_), std::string::npos);
  path_ = (dir_ / "nowhere" / "index.db").string();
  EXPECT_EQ(open(true).error().code, ErrorCode::io);
}

TEST_F(DatabaseTest, AStatementOfAnotherShapeMeansAnotherFile) {
  const auto file = std::move(*open(true));
  ASSERT_TRUE(file->run("CREATE TABLE t(a INTEGER PRIMARY KEY)"));
  EXPECT_EQ(file->prepare("SELECT b FROM t").error().code, ErrorCode::corrupt);
  Statement insert = *file->prepare("INSERT INTO t VALUES(?1)");
  ASSERT_TRUE(insert.bind(1, std::int64_t{1}).run());
  const Result<void> again = insert.bind(1, std::int64_t{1}).run();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::corrupt);
}

TEST_F(DatabaseTest, SetAsideKeepsWhatThereWas) {
  ASSERT_TRUE((*open(true))->run("CREATE TABLE t(a)"));
  const Result<std::string> aside = Database::set_aside(path_, "damaged");
  ASSERT_TRUE(aside);
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_TRUE(fs::exists(*aside));
  EXPECT_TRUE(Database::set_aside(path_, "damaged")) << "nothing to do";
}

}  // namespace
}  // namespace kpay::store
