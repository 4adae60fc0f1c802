// Money: a whole number of minor units with its ISO 4217 currency; arithmetic is checked.
//
// There is no floating point here, nor on the way to text and back.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace kpay::core {

/// Three capital letters. Any three can be held, so that an unknown one can be refused by name;
/// known() tells whether it is of the closed table. The default, "XXX", is ISO's "no currency".
class Currency {
 public:
  constexpr Currency() = default;

  /// Three letters A to Z; anything else gives nothing.
  [[nodiscard]] static constexpr std::optional<Currency> parse(std::string_view text) noexcept {
    if (text.size() != 3) {
      return std::nullopt;
    }
    Currency currency;
    for (std::size_t i = 0; i < 3; ++i) {
      if (text[i] < 'A' || text[i] > 'Z') {
        return std::nullopt;
      }
      currency.letters_[i] = text[i];
    }
    return currency;
  }

  /// True when it is in the table of currencies that payments may be made in.
  [[nodiscard]] bool known() const noexcept;
  /// Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD. REQUIRES: known().
  [[nodiscard]] int minor_digits() const noexcept;
  [[nodiscard]] constexpr std::string_view text() const noexcept {
    return {letters_.data(), letters_.size()};
  }

  friend constexpr bool operator==(const Currency&, const Currency&) = default;
  friend constexpr auto operator<=>(const Currency&, const Currency&) = default;

 private:
  std::array<char, 3> letters_{'X', 'X', 'X'};
};

/// An amount. Only equal currencies can be added or compared by size.
struct Money {
  std::int64_t minor = 0;
  Currency currency;

  friend constexpr bool operator==(const Money&, const Money&) = default;
};

/// Nothing on overflow, or when the currencies differ.
[[nodiscard]] std::optional<Money> add(const Money& a, const Money& b) noexcept;
[[nodiscard]] std::optional<Money> subtract(const Money& a, const Money& b) noexcept;

/// Reads "12.34", "12.3", "12" or "-12.34" exactly. Nothing for any other form, for more decimals
/// than the currency has, for an unknown currency, or when 64 bits are too few.
[[nodiscard]] std::optional<Money> parse_amount(std::string_view text, Currency currency) noexcept;
/// "12.34": always with all decimals; parse_amount reads it back. An unknown currency has none.
[[nodiscard]] std::string format_amount(const Money& money);

/// The amount as totals count it: one that no payment can have (not positive, or above the
/// limit) counts as zero, so that nonsense in a refused command can't distort a sum.
[[nodiscard]] std::int64_t counted_value(const Money& money) noexcept;
/// The currency whose totals count it: unknown ones share "XXX", so that totals stay few.
[[nodiscard]] Currency counted_currency(Currency currency) noexcept;

}  // namespace kpay::core

template <>
struct std::hash<kpay::core::Currency> {
  std::size_t operator()(const kpay::core::Currency& currency) const noexcept {
    std::size_t number = 0;
    for (const char letter : currency.text()) {
      number = (number << 8U) | static_cast<unsigned char>(letter);
    }
    return number;
  }
};
