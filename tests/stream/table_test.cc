// Table: changes are known, sums are right, a base is of one moment.
#include "stream/table.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <string>

#include "support/toy_stages.h"

namespace kpay::test {
namespace {

using Model = std::map<std::string, std::int64_t>;

std::int64_t value_of(ByteView row) { return TallyCodec::decode(row)->sum; }

// A table beside a map that is told the same, and beside a copy that is fed with what it freezes.
class World {
 public:
  explicit World(std::uint32_t seed) : random_(seed) {}

  void change_some(int times) {
    for (int i = 0; i < times; ++i) {
      const std::string key = "k" + std::to_string(random_() % 40);
      const auto value = static_cast<std::int64_t>(random_());
      const bool there = table_.find(key) != nullptr;
      ASSERT_EQ(there, model_.count(key) == 1);
      if (there && random_() % 2 == 0) {
        table_.erase(key);
        model_.erase(key);
      } else if (there) {
        table_.change(key).sum = value;
        model_[key] = value;
      } else {
        table_.insert(key, {0, value});
        model_[key] = value;
      }
    }
  }
  void freeze() {
    table_.freeze(
        [&](ByteView key, std::optional<ByteView> value) { ASSERT_TRUE(copy_.load(key, value)); });
    ASSERT_EQ(table_.changed(), 0U);
    frozen_ = model_;
  }
  void check_all() {
    ASSERT_EQ(table_.size(), model_.size());
    for (const auto& [key, value] : model_) {
      ASSERT_NE(table_.find(key), nullptr);
      ASSERT_EQ(table_.find(key)->sum, value);
    }
    ASSERT_EQ(copy_.size(), frozen_.size());
    ASSERT_EQ(copy_.sum(), table_.sum()) << "the sum is of the rows as frozen";
    Hash128 sum;
    for (const auto& [key, value] : frozen_) {
      Bytes bytes;
      ByteWriter out(bytes);
      TallyCodec::encode({0, value}, out);
      sum += table_.row_hash(as_bytes(key), bytes);
    }
    ASSERT_EQ(sum, table_.sum());
  }

  std::minstd_rand random_;
  Tallies table_{"t"};
  Tallies copy_{"t"};
  Model model_;
  Model frozen_;
};

TEST(TableRandom, BehavesAsAMapAndItsFrozenRowsGiveAnEqualTable) {
  for (std::uint32_t seed = 1; seed <= 20; ++seed) {
    World world(seed);
    for (int round = 0; round < 30; ++round) {
      world.change_some(25);
      if (world.random_() % 2 == 0) {
        world.freeze();
      }
      if (world.frozen_ == world.model_) {
        world.check_all();
      }
    }
    world.freeze();
    world.check_all();
  }
}

TEST(TableRandom, ABaseIsOfTheMomentItBeganWhateverChangesMeanwhile) {
  for (std::uint32_t seed = 1; seed <= 40; ++seed) {
    World world(seed);
    for (int base = 0; base < 4; ++base) {
      world.change_some(60);
      world.freeze();
      const Model at_begin = world.model_;
      Model seen;
      Hash128 sum;
      const auto sink = [&](ByteView key, std::optional<ByteView> value) {
        ASSERT_TRUE(value);
        ASSERT_TRUE(seen.emplace(std::string(as_text(key)), value_of(*value)).second)
            << "each row once: " << as_text(key);
        sum += world.table_.row_hash(key, *value);
      };
      const Hash128 expected = world.table_.sum();
      world.table_.base_begin();
      while (world.table_.base_slice(3, sink)) {
        world.change_some(4);
        if (world.random_() % 3 == 0) {
          world.freeze();
        }
      }
      world.table_.base_end();
      ASSERT_EQ(seen, at_begin) << "seed " << seed;
      ASSERT_EQ(sum, expected);
    }
    world.freeze();
    world.check_all();
  }
}

TEST(TableRows, ErasedAndInsertedAgainInOneIntervalIsOneChange) {
  Tallies table("t");
  table.insert("a", {1, 1});
  table.freeze([](ByteView, std::optional<ByteView>) {});
  table.erase("a");
  table.insert("a", {2, 2});
  EXPECT_EQ(table.changed(), 1U);
  EXPECT_EQ(table.size(), 1U);
  int calls = 0;
  table.freeze([&](ByteView, std::optional<ByteView> value) {
    ++calls;
    EXPECT_EQ(value_of(*value), 2);
  });
  EXPECT_EQ(calls, 1);
}

TEST(TableRows, BornAndDeadInOneIntervalIsADeletion) {
  Tallies table("t");
  table.insert("a", {1, 1});
  table.erase("a");
  int deletions = 0;
  table.freeze([&](ByteView, std::optional<ByteView> value) { deletions += value ? 0 : 1; });
  EXPECT_EQ(deletions, 1);
  EXPECT_EQ(table.sum(), Hash128{});
  EXPECT_EQ(table.size(), 0U);
}

TEST(TableRows, SlotsOfErasedRowsAreUsedAgain) {
  Tallies table("t");
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 100; ++i) {
      table.insert(std::to_string(round) + "." + std::to_string(i), {});
    }
    for (int i = 0; i < 100; ++i) {
      table.erase(std::to_string(round) + "." + std::to_string(i));
    }
    table.freeze([](ByteView, std::optional<ByteView>) {});
  }
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.sum(), Hash128{});
  table.base_begin();
  int slices = 0;
  while (table.base_slice(50, [](ByteView, std::optional<ByteView>) {})) {
    ++slices;
  }
  EXPECT_LT(slices, 4) << "5000 rows came and went in the slots of 100";
}

TEST(TableRows, KeepTheirAddressWhileOthersComeAndGo) {
  Tallies table("t");
  const Tally* first = &table.insert("first", {7, 7});
  for (int i = 0; i < 10'000; ++i) {
    table.insert(std::to_string(i), {});
  }
  EXPECT_EQ(table.find("first"), first);
}

TEST(TableRows, OfDifferentTablesHaveDifferentHashes) {
  Tallies zero("a");
  Tallies one("b");
  one.set_number(1);
  EXPECT_NE(zero.row_hash(as_bytes("k"), as_bytes("v")),
            one.row_hash(as_bytes("k"), as_bytes("v")));
  EXPECT_NE(zero.row_hash(as_bytes("ka"), as_bytes("b")),
            zero.row_hash(as_bytes("k"), as_bytes("ab")));
}

TEST(TableRows, ThatAreNoneAreRefusedAtLoad) {
  Tallies table("tallies");
  const Result<void> loaded = table.load(as_bytes("key"), as_bytes("short"));
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, ErrorCode::corrupt);
  EXPECT_NE(loaded.error().message.find("tallies"), std::string::npos);
  Timers timers("timers");
  EXPECT_FALSE(timers.load(as_bytes("no key"), as_bytes("")));
  EXPECT_TRUE(table.load(as_bytes("never there"), std::nullopt));
}

TEST(TableDeathTest, ChangingWhatIsNotThereAborts) {
  Tallies table("t");
  EXPECT_DEATH((void)table.change("a"), "a row that is changed exists");
  EXPECT_DEATH(table.erase("a"), "a row that is erased exists");
  table.insert("a", {});
  EXPECT_DEATH(table.insert("a", {}), "a row that is inserted does not exist");
  EXPECT_DEATH(table.base_begin(), "a base begins at a freeze");
}

}  // namespace
}  // namespace kpay::test
