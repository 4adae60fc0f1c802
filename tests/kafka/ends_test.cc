#include "kafka/ends.h"

#include <gtest/gtest.h>

namespace kpay::kafka {
namespace {

rd_kafka_topic_partition_t answer(std::int64_t offset, rd_kafka_resp_err_t error) {
  static char topic[] = "payments.failed";
  rd_kafka_topic_partition_t each{};
  each.topic = topic;
  each.partition = 2;
  each.offset = offset;
  each.err = error;
  return each;
}

TEST(ListedOffset, IsWhatTheLeaderSaid) {
  EXPECT_EQ(listed_offset(answer(14, RD_KAFKA_RESP_ERR_NO_ERROR), "end of").value(), 14);
  EXPECT_EQ(listed_offset(answer(-1, RD_KAFKA_RESP_ERR_NO_ERROR), "offsets of").value(), -1)
      << "nothing since the time asked for";
}

TEST(ListedOffset, OfALeaderThatDiedMeanwhileIsNoEndButAnError) {
  const auto none =
      listed_offset(answer(RD_KAFKA_OFFSET_INVALID, RD_KAFKA_RESP_ERR_NO_ERROR), "end of");
  ASSERT_FALSE(none.has_value());
  EXPECT_EQ(none.error().code, ErrorCode::unavailable);
  EXPECT_EQ(none.error().message, "end of payments.failed/2: its leader has not answered");
  const auto refused =
      listed_offset(answer(14, RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION), "end of");
  ASSERT_FALSE(refused.has_value());
  EXPECT_EQ(refused.error().message.rfind("end of payments.failed/2", 0), 0U);
}

}  // namespace
}  // namespace kpay::kafka
