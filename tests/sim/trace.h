// Trace: what happened in a run, line by line, for a person who replays a seed.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace kpay::sim {

class Trace {
 public:
  explicit Trace(bool on) : on_(on) {}
  [[nodiscard]] bool on() const noexcept { return on_; }
  void set_time(std::int64_t now_ms) noexcept { now_ms_ = now_ms; }

  /// `who` is a node, a place or a part of the world. Costs nothing unless the trace is on.
  template <class... Parts>
  void line(std::string_view who, const Parts&... parts) const {
    if (on_) {
      std::string text;
      (append(text, parts), ...);
      std::printf("%8lld ms  %-14.*s %s\n", static_cast<long long>(now_ms_),
                  static_cast<int>(who.size()), who.data(), text.c_str());
    }
  }

 private:
  static void append(std::string& text, std::string_view part) { text += part; }
  template <class Number>
  requires std::is_arithmetic_v<Number>
  static void append(std::string& text, Number number) { text += std::to_string(number); }

  bool on_;
  std::int64_t now_ms_ = 0;
};

}  // namespace kpay::sim
