#include "core/money.h"

#include <limits>

#include "base/check.h"
#include "core/limits.h"

namespace kpay::core {

namespace {

constexpr std::string_view kWithoutDecimals = "BIFCLPDJFGNFISKJPYKMFKRWPYGRWFUGXUYIVNDVUVXAFXOFXPF";
constexpr std::string_view kWithTwoDecimals =
    "AEDAFNALLAMDANGAOAARSAUDAWGAZNBAMBBDBDTBGNBMDBNDBOBBOVBRLBSDBTNBWPBYNBZDCADCDFCHECHFCHWCNY"
    "COPCOUCRCCUPCVECZKDKKDOPDZDEGPERNETBEURFJDFKPGBPGELGHSGIPGMDGTQGYDHKDHNLHTGHUFIDRILSINRIRR"
    "JMDKESKGSKHRKPWKYDKZTLAKLBPLKRLRDLSLMADMDLMGAMKDMMKMNTMOPMRUMURMVRMWKMXNMXVMYRMZNNADNGNNIO"
    "NOKNPRNZDPABPENPGKPHPPKRPLNQARRONRSDRUBSARSBDSCRSDGSEKSGDSHPSLESOSSRDSSPSTNSVCSYPSZLTHBTJS"
    "TMTTOPTRYTTDTWDTZSUAHUSDUSNUYUUZSVEDVESWSTXCDYERZARZMWZWG";
constexpr std::string_view kWithThreeDecimals = "BHDIQDJODKWDLYDOMRTND";
constexpr std::string_view kWithFourDecimals = "CLFUYW";

constexpr std::size_t place_of(std::string_view letters) {
  std::size_t place = 0;
  for (const char letter : letters) {
    place = place * 26U + static_cast<std::size_t>(letter - 'A');
  }
  return place;
}

// Digits plus one for each known currency, zero for any other three letters.
using DigitTable = std::array<std::uint8_t, 26U * 26U * 26U>;

constexpr void enter(DigitTable& table, std::string_view codes, std::uint8_t digits) {
  for (std::size_t at = 0; at + 3 <= codes.size(); at += 3) {
    table[place_of(codes.substr(at, 3))] = static_cast<std::uint8_t>(digits + 1U);
  }
}

constexpr DigitTable make_table() {
  DigitTable table{};
  enter(table, kWithoutDecimals, 0);
  enter(table, kWithTwoDecimals, 2);
  enter(table, kWithThreeDecimals, 3);
  enter(table, kWithFourDecimals, 4);
  return table;
}

constexpr DigitTable kDigits = make_table();

static_assert(kWithoutDecimals.size() % 3 == 0 && kWithTwoDecimals.size() % 3 == 0);
static_assert(kDigits[place_of("EUR")] == 3 && kDigits[place_of("XXX")] == 0);

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

// value * 10 - digit: amounts are read as negative numbers, whose range is the larger one.
bool push_digit(std::int64_t& value, int digit) noexcept {
  return !__builtin_mul_overflow(value, 10, &value) &&
         !__builtin_sub_overflow(value, digit, &value);
}

}  // namespace

bool Currency::known() const noexcept { return kDigits[place_of(text())] != 0; }

int Currency::minor_digits() const noexcept {
  check(known(), "minor digits are asked of a known currency");
  return kDigits[place_of(text())] - 1;
}

std::optional<Money> add(const Money& a, const Money& b) noexcept {
  Money sum{0, a.currency};
  if (a.currency != b.currency || __builtin_add_overflow(a.minor, b.minor, &sum.minor)) {
    return std::nullopt;
  }
  return sum;
}

std::optional<Money> subtract(const Money& a, const Money& b) noexcept {
  Money difference{0, a.currency};
  if (a.currency != b.currency || __builtin_sub_overflow(a.minor, b.minor, &difference.minor)) {
    return std::nullopt;
  }
  return difference;
}

std::optional<Money> parse_amount(std::string_view text, Currency currency) noexcept {
  if (!currency.known()) {
    return std::nullopt;
  }
  const bool negative = text.starts_with('-');
  text.remove_prefix(negative ? 1 : 0);
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const bool pointed = point != std::string_view::npos;
  const std::string_view part = pointed ? text.substr(point + 1) : std::string_view{};
  const auto digits = static_cast<std::size_t>(currency.minor_digits());
  if (whole.empty() || (pointed && part.empty()) || part.size() > digits) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  for (const std::string_view run : {whole, part}) {
    for (const char c : run) {
      if (!is_digit(c) || !push_digit(value, c - '0')) {
        return std::nullopt;
      }
    }
  }
  for (std::size_t i = part.size(); i < digits; ++i) {
    if (!push_digit(value, 0)) {
      return std::nullopt;
    }
  }
  if (!negative && value == std::numeric_limits<std::int64_t>::min()) {
    return std::nullopt;
  }
  return Money{negative ? value : -value, currency};
}

std::string format_amount(const Money& money) {
  const auto digits =
      static_cast<std::size_t>(money.currency.known() ? money.currency.minor_digits() : 0);
  const bool negative = money.minor < 0;
  std::string text = std::to_string(money.minor).substr(negative ? 1 : 0);
  if (text.size() <= digits) {
    text.insert(0, digits + 1 - text.size(), '0');
  }
  if (digits > 0) {
    text.insert(text.size() - digits, 1, '.');
  }
  return negative ? "-" + text : text;
}

std::int64_t counted_value(const Money& money) noexcept {
  return money.minor > 0 && money.minor <= kAmountMax && money.currency.known() ? money.minor : 0;
}

Currency counted_currency(Currency currency) noexcept {
  return currency.known() ? currency : Currency{};
}

}  // namespace kpay::core
