// Histogram: how many latencies fell where, in log-linear buckets of three significant digits.
//
// Whole numbers only: two machines that read the same log get the same buckets and the same
// percentiles (R2, R5). Only buckets that were hit are kept, in order of value.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kpay::core {

/// The bucket of a value: exact below 2048, then 1024 buckets for each power of two.
[[nodiscard]] std::uint32_t bucket_of(std::uint64_t value) noexcept;
/// The largest value that falls into the bucket.
[[nodiscard]] std::uint64_t bucket_top(std::uint32_t bucket) noexcept;

class Histogram {
 public:
  struct Bucket {
    std::uint32_t index = 0;
    std::uint64_t count = 0;
    friend bool operator==(const Bucket&, const Bucket&) = default;
  };

  /// A negative latency, as clocks of two brokers may give, counts as zero.
  void add(std::int64_t value);

  [[nodiscard]] std::uint64_t count() const noexcept { return count_; }
  /// Exact; 0 when nothing was added.
  [[nodiscard]] std::int64_t min() const noexcept { return min_; }
  [[nodiscard]] std::int64_t max() const noexcept { return max_; }
  /// The value that `per_mille` of 1000 do not exceed, to three digits; 0 when empty.
  /// REQUIRES: 0 < per_mille <= 1000.
  [[nodiscard]] std::int64_t percentile(std::uint32_t per_mille) const noexcept;

  [[nodiscard]] std::span<const Bucket> buckets() const noexcept { return buckets_; }
  /// As stored; false, and unchanged, if the parts contradict each other.
  [[nodiscard]] bool restore(std::int64_t min, std::int64_t max, std::vector<Bucket> buckets);
  /// As if all of the other's values had been added here: for readers that sum up tasks.
  void merge(const Histogram& other);

  friend bool operator==(const Histogram&, const Histogram&) = default;

 private:
  void add_to(std::uint32_t index, std::uint64_t count);

  std::uint64_t count_ = 0;
  std::int64_t min_ = 0;
  std::int64_t max_ = 0;
  std::vector<Bucket> buckets_;
};

/// "min max index:count index:count ...", for readers that merge the tasks of other processes.
[[nodiscard]] std::string to_string(const Histogram& histogram);
/// Reads that form; anything else gives nothing.
[[nodiscard]] std::optional<Histogram> parse_histogram(std::string_view text);

}  // namespace kpay::core
