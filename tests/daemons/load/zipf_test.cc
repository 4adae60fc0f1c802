// Zipf: the same numbers everywhere, and nearly the frequencies that its name promises.
#include "daemons/load/zipf.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace kpay::load {
namespace {

TEST(Zipf, picks_the_same_numbers_for_a_seed_on_every_machine) {
  const Zipf zipf(1000, 1100);
  std::mt19937_64 random(1);
  std::uint64_t hash = 0;
  for (int i = 0; i < 10'000; ++i) {
    hash = hash * 1'000'003 + zipf.pick(random());
  }
  EXPECT_EQ(hash, 2125702305798941448U);
}

TEST(Zipf, the_kth_is_k_to_the_minus_s_as_frequent) {
  const Zipf zipf(100, 1100);
  std::mt19937_64 random(2);
  std::vector<double> counts(100);
  for (int i = 0; i < 1'000'000; ++i) {
    counts[zipf.pick(random())] += 1;
  }
  for (const std::size_t k : {2U, 3U, 10U, 50U}) {
    const double wanted = std::pow(static_cast<double>(k), -1.1);
    EXPECT_NEAR(counts[k - 1] / counts[0] / wanted, 1.0, 0.05) << k;
  }
}

TEST(Zipf, exponent_zero_is_uniform) {
  const Zipf zipf(10, 0);
  for (std::uint64_t i = 0; i < 10; ++i) {
    EXPECT_EQ(zipf.pick(i << 40U), i);
  }
}

}  // namespace
}  // namespace kpay::load
