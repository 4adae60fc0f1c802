#include "core/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

namespace kpay::core {
namespace {

TEST(Histogram, Each_bucket_ends_where_the_next_begins) {
  for (std::uint32_t bucket = 0; bucket < 30'000; ++bucket) {
    const std::uint64_t top = bucket_top(bucket);
    ASSERT_EQ(bucket_of(top), bucket);
    ASSERT_EQ(bucket_of(top + 1), bucket + 1);
  }
  EXPECT_GT(bucket_of(std::numeric_limits<std::int64_t>::max()), 30'000U);
}

TEST(Histogram, R5_A_percentile_is_right_to_three_digits) {
  std::mt19937_64 random(7);
  std::vector<std::int64_t> values;
  Histogram histogram;
  for (int i = 0; i < 20'000; ++i) {
    const auto value = static_cast<std::int64_t>(random() >> (40 + random() % 20));
    values.push_back(value);
    histogram.add(value);
  }
  std::sort(values.begin(), values.end());
  for (const std::uint32_t per_mille : {1U, 500U, 900U, 990U, 999U, 1000U}) {
    const std::int64_t exact = values[(values.size() * per_mille + 999) / 1000 - 1];
    EXPECT_GE(histogram.percentile(per_mille), exact);
    EXPECT_LE(histogram.percentile(per_mille), exact + exact / 1000);
  }
  EXPECT_EQ(histogram.min(), values.front());
  EXPECT_EQ(histogram.percentile(1000), values.back());
}

TEST(Histogram, An_empty_one_has_zeros_and_a_negative_value_counts_as_zero) {
  Histogram histogram;
  EXPECT_EQ(histogram.percentile(500), 0);
  histogram.add(-5);
  EXPECT_EQ(histogram.count(), 1U);
  EXPECT_EQ(histogram.max(), 0);
}

TEST(Histogram, Two_merged_are_as_if_all_had_been_added_to_one) {
  Histogram a;
  Histogram b;
  Histogram both;
  std::mt19937_64 random(8);
  for (int i = 0; i < 1000; ++i) {
    const auto value = static_cast<std::int64_t>(random() % 100'000);
    (i % 3 == 0 ? a : b).add(value);
    both.add(value);
  }
  a.merge(b);
  a.merge(Histogram{});
  EXPECT_EQ(a, both);
  EXPECT_EQ(parse_histogram(to_string(both)), both);
  EXPECT_EQ(parse_histogram(to_string(Histogram{})), Histogram{});
}

TEST(Histogram, Parts_that_contradict_each_other_are_not_taken) {
  Histogram histogram;
  EXPECT_FALSE(histogram.restore(5, 4, {{4, 1}}));
  EXPECT_FALSE(histogram.restore(1, 9, {{4, 0}}));
  EXPECT_FALSE(histogram.restore(1, 9, {{4, 1}, {4, 1}}));
  EXPECT_FALSE(histogram.restore(0, 9, {}));
  EXPECT_TRUE(histogram.restore(1, 9, {{1, 1}, {9, 1}}));
  const std::uint32_t last = bucket_of(std::numeric_limits<std::int64_t>::max());
  const std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  EXPECT_TRUE(histogram.restore(1, 9, {{last, 1}}));
  EXPECT_FALSE(histogram.restore(1, 9, {{last + 1, 1}})) << "beyond the largest latency";
  EXPECT_FALSE(histogram.restore(1, 9, {{1, most}, {2, 1}})) << "more than can be counted";
  for (const char* text : {"", "1", "1 2 3", "1 2 3:", "1 2 3:x", "1 2 3:4 ", "a b", "1 2 3:4:5"}) {
    EXPECT_FALSE(parse_histogram(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace kpay::core
