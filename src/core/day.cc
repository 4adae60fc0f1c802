#include "core/day.h"

#include <chrono>

#include "core/horizon.h"

namespace kpay::core {

namespace {

constexpr std::int64_t kMinutesPerDay = kDayMs / kMinuteMs;

constexpr std::int64_t floor_div(std::int64_t value, std::int64_t by) noexcept {
  return value / by - (value % by < 0 ? 1 : 0);
}

// `width` digits at the front of `text`, which are taken off it.
std::optional<int> take_number(std::string_view& text, std::size_t width) noexcept {
  if (text.size() < width) {
    return std::nullopt;
  }
  int value = 0;
  for (const char c : text.substr(0, width)) {
    if (c < '0' || c > '9') {
      return std::nullopt;
    }
    value = value * 10 + (c - '0');
  }
  text.remove_prefix(width);
  return value;
}

bool take_char(std::string_view& text, char expected) noexcept {
  const bool there = text.starts_with(expected);
  text.remove_prefix(there ? 1 : 0);
  return there;
}

std::string padded(int value, std::size_t width) {
  std::string text = std::to_string(value);
  return text.size() < width ? std::string(width - text.size(), '0') + text : text;
}

}  // namespace

std::int32_t day_of(Timestamp time) noexcept {
  return static_cast<std::int32_t>(floor_div(time.ms, kDayMs));
}

std::int64_t minute_of(Timestamp time) noexcept { return floor_div(time.ms, kMinuteMs); }

std::string day_text(std::int32_t day) {
  const std::chrono::year_month_day date{std::chrono::sys_days(std::chrono::days(day))};
  return padded(static_cast<int>(date.year()), 4) + "-" +
         padded(static_cast<int>(static_cast<unsigned>(date.month())), 2) + "-" +
         padded(static_cast<int>(static_cast<unsigned>(date.day())), 2);
}

std::optional<std::int32_t> parse_day(std::string_view text) noexcept {
  const auto year = take_number(text, 4);
  const bool first = take_char(text, '-');
  const auto month = take_number(text, 2);
  const bool second = take_char(text, '-');
  const auto day = take_number(text, 2);
  if (!year || !first || !month || !second || !day || !text.empty()) {
    return std::nullopt;
  }
  const std::chrono::year_month_day date{std::chrono::year(*year),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) {
    return std::nullopt;
  }
  return static_cast<std::int32_t>(std::chrono::sys_days(date).time_since_epoch().count());
}

std::string minute_text(std::int64_t minute) {
  const std::int64_t day = floor_div(minute, kMinutesPerDay);
  auto rest = static_cast<int>(minute % kMinutesPerDay);
  rest += rest < 0 ? static_cast<int>(kMinutesPerDay) : 0;
  return day_text(static_cast<std::int32_t>(day)) + "T" + padded(rest / 60, 2) + ":" +
         padded(rest % 60, 2) + "Z";
}

std::optional<std::int64_t> parse_minute(std::string_view text) noexcept {
  const auto day = parse_day(text.substr(0, 10));
  text.remove_prefix(text.size() < 10 ? text.size() : 10);
  const bool t = take_char(text, 'T');
  const auto hour = take_number(text, 2);
  const bool colon = take_char(text, ':');
  const auto minute = take_number(text, 2);
  const bool zone = take_char(text, 'Z');
  if (!day || !t || !hour || !colon || !minute || !zone || !text.empty() || *hour > 23 ||
      *minute > 59) {
    return std::nullopt;
  }
  return *day * kMinutesPerDay + *hour * 60 + *minute;
}

}  // namespace kpay::core
