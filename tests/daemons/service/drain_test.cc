#include "daemons/service/drain.h"

#include "daemons/service/finish.h"

#include <gtest/gtest.h>

namespace kpay::daemons {
namespace {

kafka::RunnerTask task(std::int32_t partition, stream::Phase phase,
                       const std::string& reason = {}) {
  kafka::RunnerTask task;
  task.status.stage = "account";
  task.status.partition = partition;
  task.status.phase = phase;
  task.status.reason = reason;
  task.status.position = 90;
  task.status.checkpoint_position = 70;
  task.status.checkpoint = 7;
  return task;
}

DrainRecord clean(std::int32_t partition) { return {"account", partition, 95, 8, {}, true}; }

TEST(DrainBook, ATaskThatWroteItsMarkerIsClean) {
  DrainBook book;
  book.released(clean(3));
  const std::vector<DrainRecord> records = book.close({task(3, stream::Phase::running)});
  ASSERT_EQ(records.size(), 1U);
  EXPECT_TRUE(records[0].clean);
  EXPECT_EQ(records[0].position, 95);
  EXPECT_EQ(records[0].marker, 8U);
}

TEST(DrainBook, ATaskWithoutAMarkerIsUncleanAtItsLastCheckpointAndSaysWhy) {
  DrainBook book;
  const std::vector<DrainRecord> records =
      book.close({task(0, stream::Phase::running), task(1, stream::Phase::held, "a hole"),
                  task(2, stream::Phase::restoring)});
  ASSERT_EQ(records.size(), 3U);
  for (const DrainRecord& record : records) {
    EXPECT_FALSE(record.clean);
    EXPECT_EQ(record.position, 70);
    EXPECT_EQ(record.marker, 7U);
  }
  EXPECT_NE(records[0].reason.find("deadline"), std::string::npos);
  EXPECT_EQ(records[1].reason, "it was held: a hole");
  EXPECT_EQ(records[2].reason, "it was not restored yet");
}

TEST(DrainBook, R21ATaskThatThisBuildFoundAtItsSwitchRecordIsClean) {
  kafka::RunnerTask found = task(0, stream::Phase::held, "refused by version");
  found.status.logic_version = 1;
  found.status.state_version = 2;
  kafka::RunnerTask early = found;  // of a version that no switch record has led to
  early.status.logic_version = 3;
  DrainBook book;
  EXPECT_TRUE(book.close({found})[0].clean);
  EXPECT_FALSE(DrainBook().close({early})[0].clean);
}

TEST(R22Finish, NamesTheFirstTaskThatIsNotAtASwitchRecordOfALaterVersion) {
  kafka::RunnerTask found = task(0, stream::Phase::held);
  found.status.logic_version = 1;
  found.status.state_version = 2;
  EXPECT_EQ(not_at_switch({found, task(1, stream::Phase::switched)}), "");
  EXPECT_EQ(not_at_switch({}), "") << "the group gives it nothing";
  kafka::RunnerTask running = task(2, stream::Phase::running);
  running.end = 120;
  running.status.paused = true;
  EXPECT_EQ(not_at_switch({found, running}),
            "account/2 has come to no switch record, at position 90 of 120; it is paused");
  found.status.state_version = 1;
  found.status.reason = "a hole";
  EXPECT_EQ(not_at_switch({found}), "account/0 is held: a hole");
}

TEST(DrainBook, OnlyTheNewestRecordOfATaskIsKeptAndNoneWhileItRuns) {
  DrainBook book;
  book.released({"account", 3, 10, 1, {}, true});
  book.released(clean(3));
  ASSERT_EQ(book.all().size(), 1U);
  EXPECT_EQ(book.all()[0].position, 95);
  book.restored("account", 3);
  EXPECT_TRUE(book.all().empty());
  EXPECT_FALSE(book.close({task(3, stream::Phase::running)})[0].clean)
      << "an earlier drain proves nothing about this one";
}

}  // namespace
}  // namespace kpay::daemons
