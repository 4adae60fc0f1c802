#include "base/time.h"

#include <chrono>
#include <cstdio>
#include <ctime>

namespace kpay {

std::string to_rfc3339(Timestamp time) {
  std::int64_t seconds = time.ms / 1000;
  std::int64_t millis = time.ms % 1000;
  if (millis < 0) {
    millis += 1000;
    --seconds;
  }
  const auto when = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&when, &parts);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", parts.tm_year + 1900,
                parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec,
                static_cast<int>(millis));
  return text;
}

Timestamp wall_clock_now() noexcept {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::milliseconds>(since).count()};
}

std::int64_t monotonic_ms() noexcept {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::milliseconds>(since).count();
}

}  // namespace kpay
