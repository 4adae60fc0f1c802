// Sum: a total of amounts in minor units that can't overflow: 128 bits wide, added to in 64-bit
// steps. Tally: how many, and how much.
#pragma once

#include <compare>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace kpay::core {

/// A value. 2^64 additions of the largest 64-bit number fit; sums of halves as a damaged row may
/// have them wrap around.
class Sum {
 public:
  constexpr Sum() = default;
  constexpr explicit Sum(std::int64_t value) : value_(value) {}
  /// From its two halves, as stored.
  constexpr Sum(std::int64_t high, std::uint64_t low)
      : value_((static_cast<Wide>(high) << 64U) | static_cast<Wide>(low)) {}

  [[nodiscard]] constexpr std::int64_t high() const noexcept {
    return static_cast<std::int64_t>(value_ >> 64U);
  }
  [[nodiscard]] constexpr std::uint64_t low() const noexcept {
    return static_cast<std::uint64_t>(value_);
  }
  /// As 64 bits, when it fits.
  [[nodiscard]] constexpr std::optional<std::int64_t> narrow() const noexcept {
    if (value_ < std::numeric_limits<std::int64_t>::min() ||
        value_ > std::numeric_limits<std::int64_t>::max()) {
      return std::nullopt;
    }
    return static_cast<std::int64_t>(value_);
  }

  constexpr Sum& operator+=(std::int64_t step) noexcept {
    value_ = static_cast<Wide>(static_cast<Unsigned>(value_) + static_cast<Unsigned>(step));
    return *this;
  }
  constexpr Sum& operator-=(std::int64_t step) noexcept {
    value_ = static_cast<Wide>(static_cast<Unsigned>(value_) - static_cast<Unsigned>(step));
    return *this;
  }
  constexpr Sum& operator+=(const Sum& other) noexcept {
    value_ = static_cast<Wide>(static_cast<Unsigned>(value_) + static_cast<Unsigned>(other.value_));
    return *this;
  }
  constexpr Sum& operator-=(const Sum& other) noexcept {
    value_ = static_cast<Wide>(static_cast<Unsigned>(value_) - static_cast<Unsigned>(other.value_));
    return *this;
  }
  friend constexpr Sum operator+(Sum a, const Sum& b) noexcept { return a += b; }
  friend constexpr Sum operator-(Sum a, const Sum& b) noexcept { return a -= b; }
  friend constexpr bool operator==(const Sum& a, const Sum& b) noexcept {
    return a.value_ == b.value_;
  }
  friend constexpr std::strong_ordering operator<=>(const Sum& a, const Sum& b) noexcept {
    return a.value_ <=> b.value_;
  }

 private:
  __extension__ typedef __int128 Wide;
  __extension__ typedef unsigned __int128 Unsigned;  // what it wraps around in, if it ever has to
  Wide value_ = 0;
};

/// Decimal digits.
[[nodiscard]] std::string to_string(const Sum& sum);

/// A count and the sum that goes with it.
struct Tally {
  std::uint64_t count = 0;
  Sum value;

  constexpr void add(std::int64_t minor) noexcept {
    ++count;
    value += minor;
  }
  friend bool operator==(const Tally&, const Tally&) = default;
};

}  // namespace kpay::core
