#include "daemons/load/pace.h"

#include <gtest/gtest.h>

namespace kpay::load {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

TEST(Pace, NothingIsDueBeforeARateIsSet) {
  const Pace pace;
  EXPECT_EQ(pace.due_us(), Pace::kNever);
}

TEST(Pace, PaymentsAreDueAtEqualDistances) {
  Pace pace;
  pace.set_rate(4, 10 * kSecond);
  for (std::uint32_t number = 0; number < 8; ++number) {
    EXPECT_EQ(pace.due_us(), 10 * kSecond + number * kSecond / 4);
    EXPECT_EQ(pace.take(), number);
  }
  EXPECT_EQ(*pace.intended_us(3), 10 * kSecond + 750'000);
}

TEST(Pace, AChangeOfRateLeavesWhatWasSentAsItWas) {
  Pace pace;
  pace.set_rate(1, 0);
  pace.take();
  pace.take();  // due at 1 s
  pace.set_rate(10, 5 * kSecond);
  EXPECT_EQ(pace.due_us(), 5 * kSecond);
  EXPECT_EQ(pace.take(), 2U);
  EXPECT_EQ(pace.due_us(), 5 * kSecond + 100'000);
  EXPECT_EQ(*pace.intended_us(1), kSecond);
  EXPECT_EQ(*pace.intended_us(2), 5 * kSecond);
}

TEST(Pace, ARateOfZeroEndsIt) {
  Pace pace;
  pace.set_rate(1, 0);
  pace.take();
  pace.set_rate(0, kSecond);
  EXPECT_EQ(pace.due_us(), Pace::kNever);
  EXPECT_EQ(*pace.intended_us(0), 0);
}

TEST(Pace, WhatIsFarOverdueIsSkippedAndCounted) {
  Pace pace;
  pace.set_rate(100, 0);
  pace.take();
  EXPECT_EQ(pace.skip(5 * kSecond, 5 * kSecond), 0U);  // 4.99 s late
  EXPECT_EQ(pace.skip(8 * kSecond, 5 * kSecond), 799U);
  EXPECT_EQ(pace.due_us(), 8 * kSecond);
  EXPECT_EQ(pace.skip(8 * kSecond, 5 * kSecond), 0U);
}

TEST(Pace, TimesOfLongAgoAreForgottenInOrder) {
  Pace pace;
  for (std::uint32_t change = 0; change < 3000; ++change) {
    pace.set_rate(1, change * kSecond);
    pace.take();
  }
  EXPECT_FALSE(pace.intended_us(0));
  EXPECT_EQ(*pace.intended_us(2999), 2999 * kSecond);
}

}  // namespace
}  // namespace kpay::load
