#include "daemons/load/latency.h"

#include <hdr/hdr_histogram.h>

#include <algorithm>
#include <cstdio>

namespace kpay::load {

namespace {

constexpr std::int64_t kLongestUs = 3'600'000'000;
constexpr int kDigits = 3;
constexpr double kUsInMs = 1000.0;

}  // namespace

struct Latency::Histogram {
  hdr_histogram* hdr = nullptr;
  ~Histogram() { hdr_close(hdr); }
};

Latency::Latency() : histogram_(std::make_unique<Histogram>()) {
  check(hdr_init(1, kLongestUs, kDigits, &histogram_->hdr) == 0, "there is memory for a histogram");
}
Latency::~Latency() = default;

void Latency::record(std::int64_t us) {
  hdr_record_value(histogram_->hdr, std::clamp<std::int64_t>(us, 1, kLongestUs));
}

Report Latency::report() const {
  const hdr_histogram* hdr = histogram_->hdr;
  const bool empty = hdr->total_count == 0;
  const auto ms = [&](double percentile) {
    return static_cast<double>(hdr_value_at_percentile(hdr, percentile)) / kUsInMs;
  };
  Report report;
  report.add("count", static_cast<std::uint64_t>(hdr->total_count))
      .add("min", empty ? 0.0 : static_cast<double>(hdr_min(hdr)) / kUsInMs, 3)
      .add("p50", empty ? 0.0 : ms(50), 3)
      .add("p90", empty ? 0.0 : ms(90), 3)
      .add("p99", empty ? 0.0 : ms(99), 3)
      .add("p99_9", empty ? 0.0 : ms(99.9), 3)
      .add("max", empty ? 0.0 : ms(100), 3);
  return report;
}

Result<void> Latency::write(const std::string& path) const {
  constexpr std::int32_t kTicksPerHalf = 5;
  std::FILE* file = std::fopen(path.c_str(), "w");
  if (file == nullptr) {
    return Unexpected(ErrorCode::io, path + ": can't be written");
  }
  const int printed = hdr_percentiles_print(histogram_->hdr, file, kTicksPerHalf, kUsInMs, CLASSIC);
  const bool closed = std::fclose(file) == 0;
  if (printed != 0 || !closed) {
    return Unexpected(ErrorCode::io, path + ": can't be written to its end");
  }
  return {};
}

}  // namespace kpay::load
