// R23: what a process had in hand when it died is known at the next start.
#include "store/death_notes.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

namespace kpay::store {
namespace {

constexpr Hash128 kBuild{1, 2};
constexpr Hash128 kOtherBuild{1, 3};

class R23Notes : public ::testing::Test {
 protected:
  ~R23Notes() override { std::filesystem::remove(path_); }
  std::unique_ptr<DeathNotes> open(const Hash128& build = kBuild) {
    return std::move(*DeathNotes::open(path_, build));
  }
  // A process that dies, really, with that record in hand.
  void die_at(std::int64_t offset, std::int32_t partition = 3) {
    const pid_t child = ::fork();
    if (child == 0) {
      open()->note(2, partition)->begin(offset);
      ::kill(::getpid(), SIGKILL);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
  }

  const std::string path_ =
      (std::filesystem::path(::testing::TempDir()) / ("notes-" + std::to_string(::getpid())))
          .string();
};

TEST_F(R23Notes, CountDeathsInARowAtOneOffset) {
  EXPECT_EQ(open()->note(2, 3)->deaths_at(0), 0U);
  die_at(0);
  EXPECT_EQ(open()->note(2, 3)->deaths_at(0), 1U) << "offset 0 is an offset";
  die_at(128);
  die_at(128);
  auto notes = open();
  EXPECT_EQ(notes->note(2, 3)->deaths_at(128), 2U);
  EXPECT_EQ(notes->note(2, 3)->deaths_at(127), 0U);
  EXPECT_EQ(notes->note(2, 4)->deaths_at(128), 0U) << "another partition";
  EXPECT_EQ(notes->note(1, 3)->deaths_at(128), 0U) << "another stage";
}

TEST_F(R23Notes, ARecordThatWasProcessedAfterAllStartsAnew) {
  die_at(128);
  die_at(128);
  {
    auto notes = open();
    notes->note(2, 3)->begin(128);
    notes->note(2, 3)->end(128);
  }
  EXPECT_EQ(open()->note(2, 3)->deaths_at(128), 0U);
}

TEST_F(R23Notes, AStopBetweenRecordsIsNoDeathAndKeepsTheCount) {
  die_at(128);
  {
    auto notes = open();
    notes->note(2, 3)->begin(100);
    notes->note(2, 3)->end(100);
  }
  EXPECT_EQ(open()->note(2, 3)->deaths_at(128), 1U);
}

TEST_F(R23Notes, OfAnotherBuildSayNothingAboutThisOne) {
  die_at(128);
  EXPECT_EQ(open(kOtherBuild)->note(2, 3)->deaths_at(128), 0U);
}

TEST_F(R23Notes, AFileThatIsNoneIsMadeAnewAndAMissingFolderIsTold) {
  std::ofstream(path_) << "something else";
  EXPECT_EQ(open()->note(2, 3)->deaths_at(0), 0U);
  EXPECT_EQ(DeathNotes::open("/nonexistent/notes", kBuild).error().code, ErrorCode::io);
}

TEST_F(R23Notes, AFullPageNotesNoMore) {
  auto notes = open();
  std::int32_t partition = 0;
  while (notes->note(1, partition) != nullptr && partition < 10'000) {
    ++partition;
  }
  EXPECT_GE(partition, 2000);
  EXPECT_LT(partition, 10'000);
  EXPECT_NE(notes->note(1, 0), nullptr);
}

}  // namespace
}  // namespace kpay::store
