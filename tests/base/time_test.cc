#include "base/time.h"

#include <gtest/gtest.h>

namespace kpay {
namespace {

TEST(Time, IsWrittenAsRfc3339WithMilliseconds) {
  EXPECT_EQ(to_rfc3339({0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(to_rfc3339({1'795'366'435'007}), "2026-11-22T16:53:55.007Z");
  EXPECT_EQ(to_rfc3339({951'782'400'000}), "2000-02-29T00:00:00.000Z");
}

TEST(Time, BeforeTheEpochTheMillisecondsStillCountUp) {
  EXPECT_EQ(to_rfc3339({-1}), "1969-12-31T23:59:59.999Z");
}

TEST(Time, TheTimersClockDoesNotGoBack) {
  const std::int64_t first = monotonic_ms();
  EXPECT_GE(monotonic_ms(), first);
}

}  // namespace
}  // namespace kpay
