// Limits of the journal: how often it looks and tells, and how much it reads ahead.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::journal::limits {

inline constexpr std::size_t records_per_poll = 2'000;
inline constexpr int wait_ms = 50;
inline constexpr std::size_t read_ahead_kilobytes = 65'536;
/// From one round of ends to the next, and from one look at the books to the next.
inline constexpr std::int64_t round_ms = 400;
inline constexpr std::int64_t report_ms = 250;
/// A statement a second on ops.audit while anything moves, and otherwise one in so many.
inline constexpr std::int64_t statement_ms = 1'000;
inline constexpr std::int64_t idle_statement_ms = 10'000;
/// From one writing of the kept state to the next: so long, and so many times what it took.
inline constexpr std::int64_t keep_ms = 10'000;
inline constexpr std::int64_t keep_share = 20;

}  // namespace kpay::journal::limits
