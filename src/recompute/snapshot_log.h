// A snapshot as the piece of a changelog that leads to its state: for a replica that begins there.
#pragma once

#include <vector>

#include "stream/snapshot.h"

namespace kpay::recompute {

/// Where such a piece begins: at offset 0 there is genesis only.
inline constexpr std::int64_t kSnapshotLogBegin = 1;

/// The records from there: an open marker, the snapshot's marker, its rows as a base, and what
/// closes it. So the runtime's own restore decides whether the rows have the hash
/// that the marker tells. Memory: the state. Errors: those of stream::check_snapshot().
[[nodiscard]] Result<std::vector<Bytes>> changelog_of(const stream::Snapshot& snapshot);

}  // namespace kpay::recompute
