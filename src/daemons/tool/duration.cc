#include "daemons/tool/duration.h"

#include <charconv>
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

}  // namespace kpay::tool
