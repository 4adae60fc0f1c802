// Latency: a histogram of latencies, right to three digits from a microsecond to an hour.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "daemons/load/report.h"

namespace kpay::load {

/// Threads: one.
class Latency {
 public:
  Latency();
  ~Latency();
  Latency(const Latency&) = delete;
  Latency& operator=(const Latency&) = delete;

  void record(std::int64_t us);
  /// min, p50, p90, p99, p99_9, max in milliseconds, and the count.
  [[nodiscard]] Report report() const;
  /// All percentiles as text, as HdrHistogram's tools read it. Errors: io.
  [[nodiscard]] Result<void> write(const std::string& path) const;

 private:
  struct Histogram;
  std::unique_ptr<Histogram> histogram_;
};

}  // namespace kpay::load
