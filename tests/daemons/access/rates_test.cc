#include "daemons/access/rates.h"

#include <gtest/gtest.h>

#include "daemons/access/limits.h"

namespace kpay::access {
namespace {

TEST(Rates, SoManyAtOnceThenAsTimeGoesByAndEachCallerAlone) {
  Rates rates(0.5, 3);
  std::int64_t wait_s = 0;
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(rates.take("a", 0, wait_s));
  }
  EXPECT_FALSE(rates.take("a", 0, wait_s));
  EXPECT_EQ(wait_s, 2);
  EXPECT_TRUE(rates.take("b", 0, wait_s)) << "another one is another one";
  EXPECT_FALSE(rates.take("a", 1'999, wait_s));
  EXPECT_EQ(wait_s, 1);
  EXPECT_TRUE(rates.take("a", 2'001, wait_s));
  EXPECT_FALSE(rates.take("a", 2'002, wait_s));
}

TEST(Rates, WhoIsForgottenBeginsAnew) {
  Rates rates(0.001, 1);
  std::int64_t wait_s = 0;
  EXPECT_TRUE(rates.take("a", 0, wait_s));
  EXPECT_FALSE(rates.take("a", 0, wait_s));
  rates.forget("a");
  EXPECT_TRUE(rates.take("a", 0, wait_s));
}

TEST(Rates, HoweverManyCome) {
  Rates rates(1, 1);
  std::int64_t wait_s = 0;
  EXPECT_TRUE(rates.take("first", 0, wait_s));
  for (std::size_t i = 0; i < 2 * limits::rated_max; ++i) {
    EXPECT_TRUE(rates.take("caller " + std::to_string(i), 1, wait_s));
  }
  EXPECT_TRUE(rates.take("first", 2, wait_s)) << "the oldest was dropped to make room";
}

}  // namespace
}  // namespace kpay::access
