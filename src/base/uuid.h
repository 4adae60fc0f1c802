// Uuid: 16 bytes, made by clients as version 7 so that an id carries its creation time (R12).
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/time.h"

namespace kpay {

/// 128 bits in network byte order.
struct Uuid {
  std::array<std::uint8_t, 16> bytes{};

  // As two words: a call of memcmp is what a lookup in a large table would spend most on.
  friend constexpr bool operator==(const Uuid& a, const Uuid& b) noexcept {
    using Words = std::array<std::uint64_t, 2>;
    return std::bit_cast<Words>(a.bytes) == std::bit_cast<Words>(b.bytes);
  }
  friend auto operator<=>(const Uuid&, const Uuid&) = default;

  [[nodiscard]] ByteView view() const noexcept { return std::as_bytes(std::span(bytes)); }
  [[nodiscard]] bool is_nil() const noexcept { return *this == Uuid{}; }
  /// True for a version 7 id of the RFC 9562 variant.
  [[nodiscard]] bool is_v7() const noexcept {
    return (bytes[6] & 0xf0U) == 0x70U && (bytes[8] & 0xc0U) == 0x80U;
  }
  /// The creation time that a version 7 id carries. REQUIRES: is_v7().
  [[nodiscard]] Timestamp created() const noexcept;
};

/// A version 7 id of that time; `entropy` fills the rest (74 of its bits are used).
[[nodiscard]] Uuid make_uuid_v7(Timestamp created,
                                const std::array<std::uint8_t, 10>& entropy) noexcept;
/// A new version 7 id from the wall clock and the kernel's random numbers: for clients only.
[[nodiscard]] Uuid new_uuid_v7();
/// 16 random bytes from the kernel, for nonces and lineages (version 4).
[[nodiscard]] Uuid new_uuid_v4();

/// "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", lower case.
[[nodiscard]] std::string to_string(const Uuid& uuid);
/// Reads that form (either case); anything else gives nothing.
[[nodiscard]] std::optional<Uuid> parse_uuid(std::string_view text);
/// From exactly 16 bytes; anything else gives nothing.
[[nodiscard]] std::optional<Uuid> uuid_from_bytes(ByteView bytes) noexcept;

}  // namespace kpay

template <>
struct std::hash<kpay::Uuid> {
  // The tail of a version 7 id is random, so it serves as its own hash.
  std::size_t operator()(const kpay::Uuid& uuid) const noexcept {
    std::uint64_t tail = 0;
    std::uint64_t head = 0;
    std::memcpy(&tail, uuid.bytes.data() + 8, sizeof tail);
    std::memcpy(&head, uuid.bytes.data(), sizeof head);
    return static_cast<std::size_t>((tail ^ (head * 0x9e3779b97f4a7c15ULL)) *
                                    0xff51afd7ed558ccdULL);
  }
};
