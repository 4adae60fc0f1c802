// Limits of the query side: what it keeps, in one batch, in one answer.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::query::limits {

/// A payment's hops beyond these are counted, not kept: repeats of a command are free to send.
inline constexpr std::size_t hops_max = 64;
/// A batch is written when it has so many events, or is so old.
inline constexpr std::size_t batch_events_max = 20'000;
inline constexpr std::int64_t batch_ms_max = 250;
/// Batches that wait for the writer; beyond, the follower waits.
inline constexpr std::size_t batches_max = 16;
/// Journeys that are kept in memory from one batch to the next, since more of them is expected.
inline constexpr std::size_t open_journeys_max = 200'000;
/// Of what is older than the horizon so much is deleted at a time.
inline constexpr std::int64_t expired_per_batch = 2'000;

inline constexpr std::size_t rows_default = 50;
inline constexpr std::size_t rows_max = 500;
/// Connections that answer questions, each with a cache of its own.
inline constexpr std::size_t readers = 4;
inline constexpr std::int64_t reader_cache_kilobytes = 8'192;
inline constexpr std::int64_t writer_cache_kilobytes = 65'536;

}  // namespace kpay::query::limits
