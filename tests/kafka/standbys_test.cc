#include "kafka/standbys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kpay::kafka {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

const std::vector<GroupMember> kFour = {
    {"d", {9, 10, 11}}, {"a", {0, 1, 2}}, {"c", {6, 7, 8}}, {"b", {3, 4, 5}}};

std::vector<std::int32_t> of(const std::string& instance, const std::vector<GroupMember>& members,
                             std::int32_t partitions = 12) {
  return standby_partitions(members, instance, partitions);
}

TEST(Standbys, R18_EveryPartitionIsFollowedBySomebodyAndByNobodyWhoHasIt) {
  EXPECT_THAT(of("a", kFour), ElementsAre(3));
  EXPECT_THAT(of("b", kFour), ElementsAre(0, 1, 2, 6, 7));
  EXPECT_THAT(of("c", kFour), ElementsAre(4, 5, 9, 10, 11));
  EXPECT_THAT(of("d", kFour), ElementsAre(8));
}

TEST(Standbys, R18_OfTwoEachFollowsTheOther) {
  const std::vector<GroupMember> two = {{"x", {0, 1, 2}}, {"y", {3, 4}}};
  EXPECT_THAT(of("x", two, 5), ElementsAre(3, 4));
  EXPECT_THAT(of("y", two, 5), ElementsAre(0, 1, 2));
}

TEST(Standbys, R18_WhoHasNothingWaitsForTheLast) {
  const std::vector<GroupMember> members = {{"a", {0}}, {"b", {1}}, {"idle", {}}};
  EXPECT_THAT(of("idle", members, 2), ElementsAre(1));
  EXPECT_THAT(of("b", members, 2), ElementsAre(0));
}

TEST(Standbys, R18_AloneOrUnknownOrUnsettledThereIsNothingToFollow) {
  EXPECT_THAT(of("a", {{"a", {0, 1}}}, 2), IsEmpty());
  EXPECT_THAT(of("z", kFour), IsEmpty());
  EXPECT_THAT(of("a", {{"a", {0, 1}}, {"b", {}}}, 4), IsEmpty());
  EXPECT_THAT(of("a", {}, 4), IsEmpty());
}

}  // namespace
}  // namespace kpay::kafka
