#include "daemons/tool/duration.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <string>
#include <utility>

namespace kpay::tool {

Result<std::int64_t> duration_ms(std::string_view text) {
  constexpr std::int64_t kLongestMs = 366 * 24 * 3'600'000LL;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  constexpr std::pair<std::string_view, std::int64_t> kUnits[] = {
      {"ms", 1}, {"s", 1000}, {"", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 24 * 3'600'000}};
  for (const auto& [name, ms] : kUnits) {
    if (error == std::errc() && unit == name && number >= 0 && number <= kLongestMs / ms) {
      return number * ms;
    }
  }
  return Unexpected(ErrorCode::invalid, "\"" + std::string(text) +
                                            "\" is no duration: a whole number with ms, s, m, h "
                                            "or d, as 60s; a year at most");
}

Result<Timestamp> time_point(std::string_view text, Timestamp now) {
  if (const Result<std::int64_t> ago = duration_ms(text)) {
    return Timestamp{now.ms - *ago};
  }
  // Read by writing: what is asked for is the time whose text this is.
  const std::string_view zone = text.empty() ? text : text.substr(text.size() - 1);
  const std::string_view seconds = text.substr(0, std::min<std::size_t>(text.size(), 19));
  const auto part = [&](std::size_t at, std::size_t size) {
    int number = -1;
    const char* end = seconds.data() + at + size;
    const auto read = std::from_chars(seconds.data() + at, end, number);
    return read.ec == std::errc() && read.ptr == end ? number : -1;
  };
  const std::string_view digits = text.substr(0, text.size() - zone.size());
  const bool fraction = text.size() > 21 && text[19] == '.' &&
                        digits.find_first_not_of("0123456789", 20) == std::string_view::npos;
  if (zone == "Z" && (text.size() == 20 || fraction)) {
    using namespace std::chrono;  // NOLINT: the calendar's literals and types
    const year_month_day date{year(part(0, 4)), month(static_cast<unsigned>(part(5, 2))),
                              day(static_cast<unsigned>(part(8, 2)))};
    const std::int64_t days = date.ok() ? sys_days(date).time_since_epoch().count() : 0;
    const Timestamp time{((days * 24 + part(11, 2)) * 60 + part(14, 2)) * 60'000 +
                         part(17, 2) * 1000LL};
    if (to_rfc3339(time).substr(0, 19) == seconds) {
      return time;
    }
  }
  return Unexpected(ErrorCode::invalid, "\"" + std::string(text) +
                                            "\" is no time: 2026-11-22T16:53:55Z, or how long "
                                            "ago, as 90m or 2h");
}

}  // namespace kpay::tool
