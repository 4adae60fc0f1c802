// What the length of a day decides: how long ids are remembered and windows are kept. Apart from
// the other limits (limits.h says what changing one means), so that a build with short days
// compiles only the few files anew that use these.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::core {

inline constexpr std::int64_t kMinuteMs = 60'000;
inline constexpr std::int64_t kHourMs = 60 * kMinuteMs;
/// Of event time. A build for soaks has shorter ones (KPAY_DAY_S), so that an hour sees many
/// midnights and as many horizons; what is shipped never has.
#if defined(KPAY_DAY_S)
inline constexpr std::int64_t kDayMs = std::int64_t{KPAY_DAY_S} * 1000;
#else
inline constexpr std::int64_t kDayMs = 24 * kHourMs;
#endif

/// For how long an id, its content hash and its answer are remembered, in event time (R12).
inline constexpr std::int64_t kHorizonMs = kDayMs;
/// An id older than this is refused, long before the horizon forgets it (R12).
inline constexpr std::int64_t kIdAgeMaxMs = kHorizonMs / 2;
/// How far a client's clock may be ahead of the log's: a quarter of an hour.
inline constexpr std::int64_t kIdAheadMaxMs = kDayMs / 96;
static_assert(kIdAgeMaxMs + kIdAheadMaxMs < kHorizonMs, "what is forgotten is refused as expired");

/// Ids that are forgotten together.
inline constexpr std::size_t kExpiryChunkIds = 64;
/// The longest time between the first and the last id of a chunk.
inline constexpr std::int64_t kExpiryChunkMs = kMinuteMs;
/// How many chunks one event, or one tick, may forget at most.
inline constexpr std::size_t kExpiryChunksPerEvent = 1;
inline constexpr std::size_t kExpiryChunksPerTick = 64;

/// For how many minutes a throughput window is kept.
inline constexpr std::int64_t kWindowsKept = kDayMs / kMinuteMs;
/// How many old windows one event or tick may erase at most.
inline constexpr std::int64_t kWindowsPerSweep = 64;

}  // namespace kpay::core
