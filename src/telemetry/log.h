// Log: writes one line for each event, to standard error.
//
// A line is logfmt on a terminal and JSON elsewhere: ts (RFC 3339, UTC, ms), level, event, msg,
// the constant fields of the process, then the event's own fields in their declared order. Of one
// event, limits::repeats_max lines are written in a window; the rest is counted, and the next line
// says suppressed=<count>. Thread-safe. Never fails: what can't be written is lost.
//
// Code emits events (telemetry.h); nothing else calls write().
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/time.h"
#include "telemetry/sensitive.h"

namespace kpay::telemetry {

enum class Level { debug, info, warning, error };
[[nodiscard]] std::string_view to_string(Level level) noexcept;

enum class LogFormat { automatic, logfmt, json };

using LogValue = std::variant<std::int64_t, std::uint64_t, double, bool, std::string_view>;

/// A named value, valid as long as what it was made from.
struct LogField {
  std::string_view name;
  LogValue value;
};
using LogFields = std::vector<LogField>;

/// Makes a LogValue of any number, truth value or text; Sensitive becomes its mask.
template <class T>
[[nodiscard]] LogValue log_value(const T& value) {
  if constexpr (std::is_same_v<T, Sensitive>) {
    return std::string_view(Sensitive::mask);
  } else if constexpr (std::is_same_v<T, bool>) {
    return value;
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<double>(value);
  } else if constexpr (std::is_integral_v<T> && std::is_signed_v<T>) {
    return static_cast<std::int64_t>(value);
  } else if constexpr (std::is_integral_v<T>) {
    return static_cast<std::uint64_t>(value);
  } else {
    return std::string_view(value);
  }
}

struct LogOptions {
  LogFormat format = LogFormat::automatic;
  Level level = Level::info;
  /// Fields of every line, e.g. {"daemon", "kpay-account"}, {"instance", "account-1"}.
  std::vector<std::pair<std::string, std::string>> constant{};
  /// Takes each line without its end; unset: standard error. Called by one thread at a time.
  std::function<void(std::string_view line)> write{};
  std::function<Timestamp()> wall_clock = wall_clock_now;
  std::function<std::int64_t()> timer_ms = monotonic_ms;
};

class Log {
 public:
  explicit Log(LogOptions options);
  /// Writes what is still suppressed.
  ~Log();
  Log(const Log&) = delete;
  Log& operator=(const Log&) = delete;

  void write(Level level, std::string_view event, std::string_view message,
             const LogFields& fields);
  /// For each event with suppressed lines whose window is over, writes a line that says how many.
  void flush_suppressed();

  void set_level(Level level) noexcept { level_.store(level, std::memory_order_relaxed); }
  [[nodiscard]] Level level() const noexcept { return level_.load(std::memory_order_relaxed); }

 private:
  class Impl;

  std::atomic<Level> level_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace kpay::telemetry
