// Limits of log lines and metrics.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::telemetry::limits {

/// Lines of one event within one window; what comes beyond is counted, not written.
inline constexpr std::uint64_t repeats_max = 50;
inline constexpr std::int64_t repeats_window_ms = 10'000;
/// A longer text field of a line is cut, and says by how much.
inline constexpr std::size_t field_bytes_max = 4096;
/// Label combinations of one metric; the next ones share one series of "overflow".
inline constexpr std::size_t series_max = 5000;
inline constexpr std::size_t status_bytes_max = 1024;

}  // namespace kpay::telemetry::limits
