#include "daemons/ctl/trim.h"

#include <gtest/gtest.h>

namespace kpay::ctl {
namespace {

InputTrim decided(const std::vector<InputReader>& readers, std::optional<std::int64_t> young) {
  InputTrim trim;
  trim.bounds = {100, 500};
  decide_trim(trim, readers, young);
  return trim;
}

TEST(Trim, R20_TheReaderThatIsFurthestBehindLimitsIt) {
  const InputTrim trim = decided({{"confirmed", 400}, {"throughput", 300}}, std::nullopt);
  EXPECT_EQ(trim.to, 300);
  EXPECT_EQ(trim.limit, "throughput");
  EXPECT_EQ(trim.records(), 200);
}

TEST(Trim, R20_AReaderWithoutAnAcceptedMarkerKeepsEverything) {
  const InputTrim trim = decided({{"confirmed", 400}, {"throughput", std::nullopt}}, std::nullopt);
  EXPECT_EQ(trim.records(), 0);
  EXPECT_EQ(trim.limit, "throughput");
}

TEST(Trim, R20_WhatIsTooYoungStays) {
  const InputTrim trim = decided({{"confirmed", 400}}, 250);
  EXPECT_EQ(trim.to, 250);
  EXPECT_EQ(trim.limit, "age");
}

TEST(Trim, R20_WhatEveryReaderHasAndIsOldGoes) {
  const InputTrim trim = decided({{"confirmed", 500}}, std::nullopt);
  EXPECT_EQ(trim.records(), 400);
  EXPECT_EQ(trim.limit, "");
}

TEST(Trim, R20_AKeptSnapshotKeepsWhatItNeeds) {
  const std::vector<ToldSnapshots> told = told_snapshots(
      {{"account-1", R"({"snapshots": [
          {"stage": "account", "partition": 3, "count": 2,
           "oldest": {"position": 220, "checkpoint": 7, "state_hash": "0f", "taken_ms": 5},
           "newest": {"position": 380}}, 7]})"},
       {"account-2", R"({"snapshots": [{"stage": "account", "partition": 3, "count": 1}]})"},
       {"account-3", R"({"tasks": []})"},
       {"account-4", "no JSON"}});
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[0].oldest.checkpoint, 7U);
  EXPECT_EQ(told[0].newest.position, 380);
  std::vector<InputReader> readers{{"account", 400}};
  add_snapshots(readers, {told[0]}, "account", 3);
  const InputTrim trim = decided(readers, std::nullopt);
  EXPECT_EQ(trim.to, 220);
  EXPECT_EQ(trim.limit, "snapshot of account on account-1");
  readers = {{"account", 400}};
  add_snapshots(readers, told, "account", 4);
  EXPECT_EQ(decided(readers, std::nullopt).to, 400) << "another partition's";
  add_snapshots(readers, told, "account", 3);
  EXPECT_EQ(decided(readers, std::nullopt).records(), 0) << "one that doesn't say needs all";
}

TEST(Trim, R20_NothingIsBeforeTheBeginning) {
  EXPECT_EQ(decided({{"confirmed", 50}}, std::nullopt).to, 100);
  EXPECT_EQ(decided({{"confirmed", 400}}, 7).to, 100);
}

}  // namespace
}  // namespace kpay::ctl
