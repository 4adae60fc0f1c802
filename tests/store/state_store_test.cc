// What every StateStore does: the same tests for the file and for memory.
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <random>

#include "store/memory_store.h"
#include "store/state_file.h"

namespace kpay::store {
namespace {

using Rows = std::map<std::pair<std::uint16_t, std::string>, std::string>;

Rows all_of(StateStore& store) {
  Rows rows;
  std::pair<std::uint16_t, std::string> last;
  const Result<void> loaded = store.load([&](const StoredRow& row) -> Result<void> {
    const std::pair<std::uint16_t, std::string> place{row.table, std::string(as_text(row.key))};
    EXPECT_TRUE(rows.empty() || last < place) << "rows come by table and key";
    last = place;
    rows[place] = std::string(as_text(*row.value));
    return {};
  });
  EXPECT_TRUE(loaded);
  return rows;
}

std::string marker_of(StateStore& store) {
  const Result<std::optional<Bytes>> marker = store.marker();
  EXPECT_TRUE(marker);
  return *marker ? std::string(as_text(**marker)) : "none";
}

Result<void> commit(StateStore& store, std::vector<StoredRow> rows, const char* marker,
                    bool replace = false) {
  return store.commit(rows, as_bytes(marker), replace);
}

StoredRow put(std::uint16_t table, std::string_view key, std::string_view value) {
  return {table, as_bytes(key), as_bytes(value)};
}
StoredRow erase(std::uint16_t table, std::string_view key) { return {table, as_bytes(key), {}}; }

template <class Store>
class EveryStore : public ::testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::path(::testing::TempDir()) /
           ("kpay-store-" + std::to_string(::getpid()) + "-" +
            ::testing::UnitTest::GetInstance()->current_test_info()->test_suite_name()[10]);
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
    open();
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(dir_);
  }
  void open() {
    if constexpr (std::is_same_v<Store, StateFile>) {
      store_.reset();
      Result<std::unique_ptr<StateFile>> file =
          StateFile::open({(dir_ / "state.db").string(), to_bytes(as_bytes("me"))});
      ASSERT_TRUE(file);
      store_ = std::move(*file);
    } else {
      store_ = std::make_unique<MemoryStore>();
    }
  }

  std::filesystem::path dir_;
  std::unique_ptr<StateStore> store_;
};

using Stores = ::testing::Types<StateFile, MemoryStore>;
TYPED_TEST_SUITE(EveryStore, Stores);

TYPED_TEST(EveryStore, IsEmptyAtFirst) {
  EXPECT_EQ(marker_of(*this->store_), "none");
  EXPECT_TRUE(all_of(*this->store_).empty());
}

TYPED_TEST(EveryStore, KeepsRowsAndMarkerOfTheLastCommit) {
  ASSERT_TRUE(commit(*this->store_, {put(1, "b", "2"), put(0, "a", "1"), put(1, "a", "")}, "m1"));
  ASSERT_TRUE(commit(*this->store_, {put(1, "b", "3"), erase(0, "a"), erase(7, "never")}, "m2"));
  EXPECT_EQ(marker_of(*this->store_), "m2");
  EXPECT_EQ(all_of(*this->store_), (Rows{{{1, "a"}, ""}, {{1, "b"}, "3"}}));
}

TYPED_TEST(EveryStore, OfSeveralRowsOfAKeyTheLastOneCounts) {
  ASSERT_TRUE(commit(
      *this->store_,
      {put(0, "a", "1"), erase(0, "a"), put(0, "a", "2"), put(0, "b", "1"), erase(0, "b")}, "m"));
  EXPECT_EQ(all_of(*this->store_), (Rows{{{0, "a"}, "2"}}));
}

TYPED_TEST(EveryStore, ReplacingLeavesNothingOfBefore) {
  ASSERT_TRUE(commit(*this->store_, {put(0, "old", "1")}, "m1"));
  ASSERT_TRUE(commit(*this->store_, {put(0, "new", "2")}, "m2", true));
  EXPECT_EQ(all_of(*this->store_), (Rows{{{0, "new"}, "2"}}));
}

TYPED_TEST(EveryStore, LoadingStopsAtTheSinksError) {
  ASSERT_TRUE(commit(*this->store_, {put(0, "a", "1"), put(0, "b", "2")}, "m1"));
  int calls = 0;
  const Result<void> loaded = this->store_->load([&](const StoredRow&) -> Result<void> {
    ++calls;
    return Unexpected(ErrorCode::corrupt, "no");
  });
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().message, "no");
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(commit(*this->store_, {put(0, "c", "3")}, "m2")) << "and the store is still of use";
}

TYPED_TEST(EveryStore, GivesRangesFromTheFirstKeyToTheOneBeyondTheLast) {
  ASSERT_TRUE(commit(
      *this->store_,
      {put(1, "a", "1"), put(1, "b", "2"), put(1, "c", "3"), put(1, "ca", "4"), put(2, "b", "x")},
      "m"));
  const auto keys = [&](std::string_view from, std::string_view to, std::size_t limit) {
    std::string text;
    const Result<std::vector<KeyValue>> rows =
        this->store_->range(1, as_bytes(from), as_bytes(to), limit);
    for (const KeyValue& row : *rows) {
      text += std::string(as_text(row.key)) + "=" + std::string(as_text(row.value)) + " ";
    }
    return text;
  };
  EXPECT_EQ(keys("", "", 10), "a=1 b=2 c=3 ca=4 ");
  EXPECT_EQ(keys("b", "ca", 10), "b=2 c=3 ");
  EXPECT_EQ(keys("bb", "", 1), "c=3 ");
  EXPECT_EQ(keys("", "", 0), "");
  EXPECT_EQ(keys("d", "", 10), "");
}

TYPED_TEST(EveryStore, SetAsideItStartsEmpty) {
  ASSERT_TRUE(commit(*this->store_, {put(0, "a", "1")}, "m1"));
  ASSERT_TRUE(this->store_->set_aside("a test"));
  EXPECT_EQ(marker_of(*this->store_), "none");
  EXPECT_TRUE(all_of(*this->store_).empty());
  ASSERT_TRUE(commit(*this->store_, {put(0, "b", "1")}, "m2"));
  EXPECT_EQ(all_of(*this->store_), (Rows{{{0, "b"}, "1"}}));
}

TYPED_TEST(EveryStore, RandomCommitsGiveWhatAMapGives) {
  std::minstd_rand random(5);
  Rows model;
  for (int n = 0; n < 60; ++n) {
    std::vector<std::string> texts;
    texts.reserve(40);
    std::vector<StoredRow> rows;
    const bool replace = random() % 15 == 0;
    if (replace) {
      model.clear();
    }
    for (int i = 0; i < 10; ++i) {
      const auto table = static_cast<std::uint16_t>(random() % 3);
      const std::string& key = texts.emplace_back("k" + std::to_string(random() % 20));
      if (random() % 3 == 0) {
        rows.push_back(erase(table, key));
        model.erase({table, key});
      } else {
        const std::string& value = texts.emplace_back(std::to_string(random()));
        rows.push_back(put(table, key, value));
        model[{table, key}] = value;
      }
    }
    ASSERT_TRUE(this->store_->commit(rows, as_bytes("m"), replace));
    ASSERT_EQ(all_of(*this->store_), model);
  }
}

}  // namespace
}  // namespace kpay::store
