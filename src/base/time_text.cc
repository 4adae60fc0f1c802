#include "base/time_text.h"

#include <charconv>
#include <chrono>
#include <cstdint>

namespace kpay {

namespace {

constexpr std::int64_t kDayMs = 86'400'000;

// That many digits; -1 for anything else.
int digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (std::size_t i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') {
      return -1;
    }
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

// "2026-11-22": days since 1970.
std::optional<std::int64_t> day_of(std::string_view text) {
  const int year = digits(text, 0, 4);
  const int month = digits(text, 5, 2);
  const int day = digits(text, 8, 2);
  if (text.size() < 10 || text[4] != '-' || text[7] != '-' || year < 1970 || month < 0 || day < 0) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return std::chrono::sys_days(date).time_since_epoch().count();
}

// "T16:53:55Z" or "T16:53:55.123Z": milliseconds of the day.
std::optional<std::int64_t> time_of_day(std::string_view text) {
  const bool millis = text.size() == 14 && text[9] == '.';
  if ((!millis && text.size() != 10) || text[0] != 'T' || text[3] != ':' || text[6] != ':' ||
      text.back() != 'Z') {
    return std::nullopt;
  }
  const int hour = digits(text, 1, 2);
  const int minute = digits(text, 4, 2);
  const int second = digits(text, 7, 2);
  const int milli = millis ? digits(text, 10, 3) : 0;
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 59 ||
      milli < 0) {
    return std::nullopt;
  }
  return ((hour * 60LL + minute) * 60 + second) * 1000 + milli;
}

}  // namespace

std::optional<Timestamp> parse_time(std::string_view text) noexcept {
  std::int64_t ms = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (error == std::errc{} && end == text.data() + text.size()) {
    return ms >= 0 ? std::optional(Timestamp{ms}) : std::nullopt;
  }
  const std::optional<std::int64_t> day = day_of(text);
  if (!day || text.size() == 10) {
    return day ? std::optional(Timestamp{*day * kDayMs}) : std::nullopt;
  }
  const std::optional<std::int64_t> of_day = time_of_day(text.substr(10));
  return of_day ? std::optional(Timestamp{*day * kDayMs + *of_day}) : std::nullopt;
}

}  // namespace kpay
