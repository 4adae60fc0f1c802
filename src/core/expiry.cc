#include "core/expiry.h"

#include "base/check.h"
#include "base/plant.h"
#include "core/horizon.h"

namespace kpay::core {

#if defined(KPAY_DAY_S)
// What a look into a binary finds (tests/scripts/test_static_binaries).
[[gnu::used, gnu::retain]] static const char short_days[] = "KPAY_DAY_S";
#endif

bool takes_more(const ExpiryChunk& chunk, Timestamp now) noexcept {
  return chunk.entries.size() < kExpiryChunkIds && now.ms - chunk.first.ms <= kExpiryChunkMs;
}

bool is_due(const ExpiryChunk& chunk, Timestamp now) noexcept {
  return now.ms - chunk.last.ms > kHorizonMs / (KPAY_PLANT(ids_forgotten_early) ? 1000 : 1);
}

void append(ExpiryChunk& chunk, const ExpiryEntry& entry, Timestamp now) {
  if (chunk.entries.empty()) {
    chunk.first = now;
    chunk.entries.reserve(kExpiryChunkIds);
  }
  check(takes_more(chunk, now), "an id goes into a chunk that takes it");
  check(chunk.entries.empty() || now >= chunk.last, "ids come in order of time");
  chunk.last = now;
  chunk.entries.push_back(entry);
}

}  // namespace kpay::core
