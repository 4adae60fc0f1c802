// Dice: the only source of chance in a run; the same seed throws the same numbers everywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace kpay::sim {

class Dice {
 public:
  /// Independent for each (seed, stream): what one part throws doesn't move another's numbers.
  Dice(std::uint64_t seed, std::uint64_t stream)
      : random_(seed * 0x9e3779b97f4a7c15ULL + stream * 0xd1b54a32d192ed03ULL + 1) {}

  /// 0 to sides - 1. REQUIRES: sides > 0.
  std::uint64_t below(std::uint64_t sides) { return random_() % sides; }
  std::int64_t between(std::int64_t least, std::int64_t most) {
    return least + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(most - least + 1)));
  }
  bool one_in(std::uint64_t sides) { return below(sides) == 0; }
  std::size_t index(std::size_t size) { return static_cast<std::size_t>(below(size)); }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[index(from.size())];
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace kpay::sim
