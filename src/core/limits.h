// Every limit of the payments core, by name. Those that change an outcome belong to the logic
// version: change one, and the golden transcript changes, and so does kLogicVersion (R21).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::core {

/// Changes exactly when tests/golden/core_transcript.txt does.
inline constexpr std::uint32_t kLogicVersion = 1;

/// The largest amount of one payment, deposit or opening balance, in minor units.
inline constexpr std::int64_t kAmountMax = 1'000'000'000'000'000;
/// The largest balance of an account, in minor units. Suspense accounts have no limit (R25).
inline constexpr std::int64_t kBalanceMax = 9'000'000'000'000'000'000;
/// The longest account id, in characters: that of an IBAN.
inline constexpr std::size_t kAccountIdMax = 34;
/// The longest reference text, in bytes.
inline constexpr std::size_t kReferenceMax = 140;
/// The largest legal event of any kind, in bytes (R13).
inline constexpr std::size_t kEventBytesMax = 8 * 1024;

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
