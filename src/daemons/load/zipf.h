// Zipf: picks numbers so that the k-th is about k^-s as frequent as the first.
//
// In integers only, so that a seed gives the same payments on every machine.
#pragma once

#include <cstdint>
#include <vector>

namespace kpay::load {

/// Threads: any, it never changes.
class Zipf {
 public:
  /// Exponent in thousandths: 1100 is 1.1. 0 makes all equally frequent.
  /// REQUIRES: 0 < count <= 10 million, exponent <= 10'000.
  Zipf(std::uint32_t count, std::uint32_t exponent_milli);

  /// From 64 random bits to a number from 0 to count - 1.
  [[nodiscard]] std::uint32_t pick(std::uint64_t random) const noexcept;

 private:
  std::vector<std::uint64_t> cumulative_;
};

}  // namespace kpay::load
