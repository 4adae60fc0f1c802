// R23: a record that killed the process so often holds its task, and only that one.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "stream/world.h"

namespace kpay::test {
namespace {

class R23Held : public ::testing::Test {
 protected:
  ~R23Held() override { std::filesystem::remove(path_); }

  // The notes as a process finds them that follows `deaths` of others, each with this in hand.
  std::unique_ptr<store::DeathNotes> after(int deaths, std::uint16_t stage, std::int64_t offset) {
    for (int i = 0; i < deaths; ++i) {
      open()->note(stage, 0)->begin(offset);
    }
    return open();
  }
  std::unique_ptr<store::DeathNotes> open() {
    return std::move(*store::DeathNotes::open(path_, Hash128{1, 1}));
  }
  static TestDriver::Options world_with(store::DeathNotes& notes) {
    TestDriver::Options options = world();
    options.task.notes = &notes;
    return options;
  }
  static void pay(TestDriver& driver) {
    for (int i = 0; i < 3; ++i) {
      driver.pipe(kToyIn, 0, "a", "add a b 1");
      driver.run_until_idle();
    }
  }

  const std::string path_ =
      (std::filesystem::path(::testing::TempDir()) / ("held-" + std::to_string(::getpid())))
          .string();
};

TEST_F(R23Held, AtTheRecordAndTheTasksBesideItRun) {
  const auto notes = after(3, kAdder, 1);
  TestDriver driver(world_with(*notes));
  const auto process = driver.start("disk");
  pay(driver);
  const stream::TaskStatus adder = driver.status(process, "adder");
  EXPECT_EQ(adder.phase, stream::Phase::held);
  EXPECT_EQ(adder.position, 1) << "what was before it is processed, itself and the rest are kept";
  EXPECT_NE(adder.reason.find("died 3 times with the record at input offset 1"), std::string::npos)
      << adder.reason;
  EXPECT_EQ(driver.status(process, "source").phase, stream::Phase::running);
  EXPECT_EQ(driver.status(process, "source").position, 3);
}

TEST_F(R23Held, NotBeforeTheThirdDeathAndARecordThatPassesIsForgiven) {
  const auto notes = after(2, kAdder, 1);
  TestDriver driver(world_with(*notes));
  const auto process = driver.start("disk");
  pay(driver);
  EXPECT_EQ(driver.status(process, "adder").phase, stream::Phase::running);
  EXPECT_EQ(driver.status(process, "adder").position, 3);
  EXPECT_EQ(notes->note(kAdder, 0)->deaths_at(1), 0U);
}

TEST_F(R23Held, NothingIsInHandBetweenRecords) {
  const auto notes = open();
  TestDriver driver(world_with(*notes));
  driver.start("disk");
  pay(driver);
  const auto found = open();
  for (const std::uint16_t stage : {kSource, kAdder}) {
    for (std::int64_t offset = 0; offset < 4; ++offset) {
      EXPECT_EQ(found->note(stage, 0)->deaths_at(offset), 0U);
    }
  }
}

}  // namespace
}  // namespace kpay::test
