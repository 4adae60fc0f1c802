// Rates: how much of something each caller may have, as buckets that fill with time.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace kpay::access {

/// Threads: any.
class Rates {
 public:
  Rates(double per_second, double at_once) : per_second_(per_second), at_once_(at_once) {}

  /// Takes one; false when there is none left, and `wait_s` says when there is.
  [[nodiscard]] bool take(std::string_view who, std::int64_t now_ms, std::int64_t& wait_s);
  /// Gives everything back: who has shown himself.
  void forget(std::string_view who);

 private:
  struct Bucket {
    double left = 0;
    std::int64_t at_ms = 0;
  };
  void make_room(std::int64_t now_ms);

  const double per_second_;
  const double at_once_;
  std::mutex mutex_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace kpay::access
