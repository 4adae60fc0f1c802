#include "base/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/check.h"
#include "base/plant.h"

namespace kpay {

Hash128 hash128(ByteView bytes, std::uint64_t seed) noexcept {
  const XXH128_hash_t hash = XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed);
  return {hash.low64, hash.high64};
}

Hash128 chain(const Hash128& before, ByteView bytes) noexcept {
  constexpr std::uint64_t kOdd = 0x9e3779b97f4a7c15ULL;
  const XXH128_hash_t link = XXH3_128bits_withSeed(bytes.data(), bytes.size(), before.low);
  return {link.low64 + before.high * kOdd, link.high64 ^ (before.high << 31U | before.high >> 33U)};
}

void put(ByteWriter& out, const Hash128& hash) {
  out.put(hash.low);
  out.put(hash.high);
}

Hash128 get_hash128(ByteReader& in) {
  Hash128 hash;
  hash.low = in.get<std::uint64_t>();
  hash.high = in.get<std::uint64_t>();
  return hash;
}

std::string to_string(const Hash128& hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text(32, '0');
  for (unsigned i = 0; i < 16; ++i) {
    text[15 - i] = kDigits[(hash.high >> (4 * i)) & 15U];
    text[31 - i] = kDigits[(hash.low >> (4 * i)) & 15U];
  }
  return text;
}

std::uint64_t checksum64(ByteView bytes) noexcept {
  return XXH3_64bits(bytes.data(), bytes.size());
}

std::uint32_t murmur2(ByteView key) noexcept {
  constexpr std::uint32_t kSeed = 0x9747b28cU;
  constexpr std::uint32_t kMix = 0x5bd1e995U;
  std::uint32_t hash = kSeed ^ static_cast<std::uint32_t>(key.size());
  std::size_t at = 0;
  for (; at + 4 <= key.size(); at += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, key.data() + at, sizeof word);
    word *= kMix;
    word ^= word >> 24U;
    word *= kMix;
    hash *= kMix;
    hash ^= word;
  }
  const std::size_t rest = key.size() - at;
  const auto tail = [&](std::size_t i) { return std::to_integer<std::uint32_t>(key[at + i]); };
  if (rest >= 3 && !KPAY_PLANT(murmur_tail)) {
    hash ^= tail(2) << 16U;
  }
  if (rest >= 2) {
    hash ^= tail(1) << 8U;
  }
  if (rest >= 1) {
    hash ^= tail(0);
    hash *= kMix;
  }
  hash ^= hash >> 13U;
  hash *= kMix;
  hash ^= hash >> 15U;
  return hash;
}

std::int32_t partition_of(ByteView key, std::int32_t partitions) noexcept {
  check(partitions > 0, "a topic has partitions");
  return static_cast<std::int32_t>(murmur2(key) & 0x7fffffffU) % partitions;
}

}  // namespace kpay
