#include "daemons/load/zipf.h"

#include <algorithm>
#include <array>
#include <bit>

namespace kpay::load {

namespace {

constexpr unsigned kFractionBits = 24;  // of logarithms
constexpr unsigned kWeightBits = 40;    // the first number's weight is 2^40

// log2(k) with 24 bits of fraction, by squaring. REQUIRES: k > 0.
std::uint64_t log2_of(std::uint32_t k) {
  const auto whole = static_cast<unsigned>(std::bit_width(k)) - 1;
  std::uint64_t mantissa = static_cast<std::uint64_t>(k) << (31 - whole);  // in [2^31, 2^32)
  std::uint64_t log = whole;
  for (unsigned bit = 0; bit < kFractionBits; ++bit) {
    mantissa = (mantissa * mantissa) >> 31U;
    const std::uint64_t carry = mantissa >> 32U;
    mantissa >>= carry;
    log = (log << 1U) | carry;
  }
  return log;
}

// The largest number whose square is not above `of`.
std::uint64_t root_of(std::uint64_t of) {
  std::uint64_t root = 0;
  for (std::uint64_t bit = 1ULL << 31U; bit != 0; bit >>= 1U) {
    const std::uint64_t next = root | bit;
    root = next * next <= of ? next : root;
  }
  return root;
}

// 2^-(2^-i) for i = 1 … 24, each the square root of the one before, as fractions of 2^32.
std::array<std::uint64_t, kFractionBits> make_factors() {
  std::array<std::uint64_t, kFractionBits> factors{};
  std::uint64_t factor = 1ULL << 31U;  // one half
  for (std::uint64_t& each : factors) {
    factor = root_of(factor << 32U);
    each = factor;
  }
  return factors;
}

// 2^40 * 2^-x for x with 24 bits of fraction; never less than 1.
std::uint64_t weight_of(std::uint64_t x, const std::array<std::uint64_t, kFractionBits>& factors) {
  std::uint64_t value = 1ULL << 32U;
  for (unsigned i = 0; i < kFractionBits; ++i) {
    if (((x >> (kFractionBits - 1 - i)) & 1U) != 0) {
      value = (value * factors[i]) >> 32U;
    }
  }
  const std::uint64_t whole = x >> kFractionBits;
  value = whole < 64 ? (value << (kWeightBits - 32)) >> whole : 0;
  return std::max<std::uint64_t>(value, 1);
}

}  // namespace

Zipf::Zipf(std::uint32_t count, std::uint32_t exponent_milli) {
  const std::array<std::uint64_t, kFractionBits> factors = make_factors();
  cumulative_.reserve(count);
  std::uint64_t total = 0;
  for (std::uint32_t k = 1; k <= count; ++k) {
    total += weight_of(log2_of(k) * exponent_milli / 1000, factors);
    cumulative_.push_back(total);
  }
}

std::uint32_t Zipf::pick(std::uint64_t random) const noexcept {
  const std::uint64_t point = random % cumulative_.back();
  const auto at = std::upper_bound(cumulative_.begin(), cumulative_.end(), point);
  return static_cast<std::uint32_t>(at - cumulative_.begin());
}

}  // namespace kpay::load
