// Hashes: 128 bits for running and state hashes (XXH3), murmur2 for partitions (Kafka's own).
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/plant.h"

namespace kpay {

/// 128 bits. As a sum (+, -) it is a set hash: the order in which rows are added does not matter.
struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend bool operator==(const Hash128&, const Hash128&) = default;

  Hash128& operator+=(const Hash128& other) noexcept {
    low += other.low;
    high += other.high + (low < other.low ? 1U : 0U);
    return *this;
  }
  Hash128& operator-=(const Hash128& other) noexcept {
    const std::uint64_t borrow = low < other.low ? 1U : 0U;
    low -= other.low;
    high -= other.high + (KPAY_PLANT(hash_without_borrow) ? 0U : borrow);
    return *this;
  }
};

/// The hash of `bytes`; another seed gives an independent function.
[[nodiscard]] Hash128 hash128(ByteView bytes, std::uint64_t seed = 0) noexcept;

/// The running hash after `bytes` have followed what gave `before`.
[[nodiscard]] Hash128 chain(const Hash128& before, ByteView bytes) noexcept;

void put(ByteWriter& out, const Hash128& hash);
[[nodiscard]] Hash128 get_hash128(ByteReader& in);
/// 32 hexadecimal digits.
[[nodiscard]] std::string to_string(const Hash128& hash);

/// A checksum for headers: 64 bits of XXH3.
[[nodiscard]] std::uint64_t checksum64(ByteView bytes) noexcept;

/// Kafka's default partitioner: murmur2 with its sign bit cleared, modulo the count.
/// REQUIRES: partitions > 0.
[[nodiscard]] std::int32_t partition_of(ByteView key, std::int32_t partitions) noexcept;
/// Kafka's murmur2 as an unsigned number.
[[nodiscard]] std::uint32_t murmur2(ByteView key) noexcept;

}  // namespace kpay
