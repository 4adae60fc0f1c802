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

TEST(Trim, R20_NothingIsBeforeTheBeginning) {
  EXPECT_EQ(decided({{"confirmed", 50}}, std::nullopt).to, 100);
  EXPECT_EQ(decided({{"confirmed", 400}}, 7).to, 100);
}

}  // namespace
}  // namespace kpay::ctl
