// Pace: which payment is due when, at a rate that may change on the way.
//
// Times are microseconds of a clock that never goes back, passed in.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>

namespace kpay::load {

/// Threads: one.
class Pace {
 public:
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  /// From now on; the next payment is due at once. 0: none is due any more.
  void set_rate(double rate, std::int64_t now_us);
  /// When the next payment is due.
  [[nodiscard]] std::int64_t due_us() const noexcept;
  /// Takes the next payment: its number, from 0.
  std::uint32_t take() noexcept { return next_++; }
  [[nodiscard]] std::uint32_t taken() const noexcept { return next_; }
  /// Drops what is overdue by more than `behind_us_max`; gives how many payments.
  std::uint64_t skip(std::int64_t now_us, std::int64_t behind_us_max);
  /// When a payment was to be sent; nothing when that was too many changes of rate ago.
  [[nodiscard]] std::optional<std::int64_t> intended_us(std::uint32_t number) const;

 private:
  // From `first` on, payments are due at this rate.
  struct Stretch {
    std::uint32_t first = 0;
    std::int64_t start_us = 0;
    double rate = 0;

    [[nodiscard]] std::int64_t intended_us(std::uint32_t number) const;
  };

  std::deque<Stretch> stretches_;
  std::uint32_t next_ = 0;
};

}  // namespace kpay::load
