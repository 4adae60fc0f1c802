#include "base/uuid.h"

#include <sys/random.h>

#include "base/check.h"

namespace kpay {

namespace {

template <std::size_t N>
std::array<std::uint8_t, N> random_bytes() {
  std::array<std::uint8_t, N> bytes{};
  std::size_t have = 0;
  while (have < N) {
    const ssize_t got = ::getrandom(bytes.data() + have, N - have, 0);
    if (got > 0) {
      have += static_cast<std::size_t>(got);
    }
  }
  return bytes;
}

std::optional<std::uint8_t> hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') {
    return static_cast<std::uint8_t>(c - '0');
  }
  if (c >= 'a' && c <= 'f') {
    return static_cast<std::uint8_t>(c - 'a' + 10);
  }
  if (c >= 'A' && c <= 'F') {
    return static_cast<std::uint8_t>(c - 'A' + 10);
  }
  return std::nullopt;
}

bool is_dash_place(std::size_t i) noexcept { return i == 8 || i == 13 || i == 18 || i == 23; }

}  // namespace

Timestamp Uuid::created() const noexcept {
  check(is_v7(), "only a version 7 id carries a time");
  std::int64_t ms = 0;
  for (std::size_t i = 0; i < 6; ++i) {
    ms = (ms << 8U) | bytes[i];
  }
  return {ms};
}

Uuid make_uuid_v7(Timestamp created, const std::array<std::uint8_t, 10>& entropy) noexcept {
  Uuid uuid;
  for (std::size_t i = 0; i < 6; ++i) {
    uuid.bytes[i] = static_cast<std::uint8_t>(created.ms >> (8 * (5 - i)));
  }
  std::memcpy(uuid.bytes.data() + 6, entropy.data(), entropy.size());
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0fU) | 0x70U);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3fU) | 0x80U);
  return uuid;
}

Uuid new_uuid_v7() { return make_uuid_v7(wall_clock_now(), random_bytes<10>()); }

Uuid new_uuid_v4() {
  Uuid uuid{random_bytes<16>()};
  uuid.bytes[6] = static_cast<std::uint8_t>((uuid.bytes[6] & 0x0fU) | 0x40U);
  uuid.bytes[8] = static_cast<std::uint8_t>((uuid.bytes[8] & 0x3fU) | 0x80U);
  return uuid;
}

std::string to_string(const Uuid& uuid) {
  const std::string hex = to_hex(uuid.view());
  return hex.substr(0, 8) + '-' + hex.substr(8, 4) + '-' + hex.substr(12, 4) + '-' +
         hex.substr(16, 4) + '-' + hex.substr(20);
}

std::optional<Uuid> parse_uuid(std::string_view text) {
  if (text.size() != 36) {
    return std::nullopt;
  }
  Uuid uuid;
  std::size_t digit = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_dash_place(i)) {
      if (text[i] != '-') {
        return std::nullopt;
      }
      continue;
    }
    const std::optional<std::uint8_t> value = hex_digit(text[i]);
    if (!value) {
      return std::nullopt;
    }
    std::uint8_t& byte = uuid.bytes[digit / 2];
    byte = static_cast<std::uint8_t>(digit % 2 == 0 ? *value << 4U : byte | *value);
    ++digit;
  }
  return uuid;
}

std::optional<Uuid> uuid_from_bytes(ByteView bytes) noexcept {
  Uuid uuid;
  if (bytes.size() != uuid.bytes.size()) {
    return std::nullopt;
  }
  std::memcpy(uuid.bytes.data(), bytes.data(), bytes.size());
  return uuid;
}

}  // namespace kpay
