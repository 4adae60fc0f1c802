// Expiry: when remembered ids are forgotten, by event time and in bounded steps (R12).
#pragma once

#include "base/time.h"
#include "core/rows.h"

namespace kpay::core {

/// True when one more id seen at `now` belongs into this chunk, the youngest one.
[[nodiscard]] bool takes_more(const ExpiryChunk& chunk, Timestamp now) noexcept;
/// True when all ids of the chunk are older than the horizon.
[[nodiscard]] bool is_due(const ExpiryChunk& chunk, Timestamp now) noexcept;
/// The chunk with one more id. REQUIRES: it is new, or takes_more().
void append(ExpiryChunk& chunk, const ExpiryEntry& entry, Timestamp now);

}  // namespace kpay::core
