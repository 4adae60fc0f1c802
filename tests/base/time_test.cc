#include "base/time.h"

#include "base/time_text.h"

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

TEST(TimeText, IsReadInEachOfItsForms) {
  EXPECT_EQ(parse_time("1970-01-01"), Timestamp{0});
  EXPECT_EQ(parse_time("2026-11-22T16:53:55Z"), Timestamp{1'795'366'435'000});
  EXPECT_EQ(parse_time("2026-11-22T16:53:55.123Z"), Timestamp{1'795'366'435'123});
  EXPECT_EQ(parse_time("1795366435000"), Timestamp{1'795'366'435'000});
  EXPECT_EQ(parse_time("2024-02-29"), Timestamp{1'709'164'800'000});
  for (const std::int64_t ms : {0LL, 1LL, 1'795'366'435'123LL, 253'402'300'799'999LL}) {
    EXPECT_EQ(parse_time(to_rfc3339(Timestamp{ms})), Timestamp{ms});
  }
}

TEST(TimeText, AnythingElseIsNone) {
  for (const char* text :
       {"", "-1", "yesterday", "2026-11", "2026-13-01", "2026-02-29", "2026-11-31", "1969-12-31",
        "2026-11-22T", "2026-11-22T16:53", "2026-11-22T16:53:55", "2026-11-22 16:53:55Z",
        "2026-11-22T24:00:00Z", "2026-11-22T16:60:00Z", "2026-11-22T16:53:55.12Z",
        "2026-11-22T16:53:55+01:00", "99999999999999999999", "2026/11/22"}) {
    EXPECT_FALSE(parse_time(text)) << text;
  }
}

}  // namespace
}  // namespace kpay
