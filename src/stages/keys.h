// Key codecs: how keys of tables become bytes, big-endian so that ranges make sense, and text.
#pragma once

#include <charconv>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/uuid.h"
#include "core/day.h"
#include "core/ids.h"
#include "core/money.h"

namespace kpay::stages {

/// The bytes of `number`, most significant first.
template <class Number>
void put_big_endian(ByteWriter& out, Number number) {
  for (std::size_t i = sizeof number; i-- > 0;) {
    out.put(static_cast<std::uint8_t>(number >> (8U * i)));
  }
}
template <class Number>
[[nodiscard]] Number get_big_endian(ByteReader& in) {
  Number number = 0;
  for (std::size_t i = 0; i < sizeof number; ++i) {
    number = static_cast<Number>((number << 8U) | in.get<std::uint8_t>());
  }
  return number;
}

struct UuidKey {
  using Key = Uuid;
  static void encode_key(const Uuid& key, ByteWriter& out) { out.raw(key.view()); }
  static std::optional<Uuid> decode_key(ByteView bytes) { return uuid_from_bytes(bytes); }
  static std::optional<Uuid> key_from_text(std::string_view text) { return parse_uuid(text); }
  static std::string key_text(const Uuid& key) { return to_string(key); }
};

struct AccountKey {
  using Key = core::AccountId;
  static void encode_key(const Key& key, ByteWriter& out) { out.raw(key.view()); }
  static std::optional<Key> decode_key(ByteView bytes) { return Key::parse(as_text(bytes)); }
  static std::optional<Key> key_from_text(std::string_view text) { return Key::parse(text); }
  static std::string key_text(const Key& key) { return std::string(key.text()); }
};

struct CurrencyKey {
  using Key = core::Currency;
  static void encode_key(const Key& key, ByteWriter& out) { out.raw(as_bytes(key.text())); }
  static std::optional<Key> decode_key(ByteView bytes) { return Key::parse(as_text(bytes)); }
  static std::optional<Key> key_from_text(std::string_view text) { return Key::parse(text); }
  static std::string key_text(const Key& key) { return std::string(key.text()); }
};

/// A plain number; its text is decimal.
struct NumberKey {
  using Key = std::uint64_t;
  static void encode_key(Key key, ByteWriter& out) { put_big_endian(out, key); }
  static std::optional<Key> decode_key(ByteView bytes) {
    ByteReader in(bytes);
    const Key key = get_big_endian<Key>(in);
    return in.done() ? std::optional(key) : std::nullopt;
  }
  static std::optional<Key> key_from_text(std::string_view text) {
    Key key = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), key);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole ? std::optional(key) : std::nullopt;
  }
  static std::string key_text(Key key) { return std::to_string(key); }
};

/// Minutes since 1970; the text is "2026-11-22T16:53Z". The sign bit is flipped, for order.
struct MinuteKey {
  using Key = std::int64_t;
  static constexpr std::uint64_t kSign = 0x8000000000000000ULL;
  static void encode_key(Key key, ByteWriter& out) {
    put_big_endian(out, static_cast<std::uint64_t>(key) ^ kSign);
  }
  static std::optional<Key> decode_key(ByteView bytes) {
    const std::optional<std::uint64_t> number = NumberKey::decode_key(bytes);
    return number ? std::optional(static_cast<Key>(*number ^ kSign)) : std::nullopt;
  }
  static std::optional<Key> key_from_text(std::string_view text) {
    return core::parse_minute(text);
  }
  static std::string key_text(Key key) { return core::minute_text(key); }
};

struct DayAndCurrency {
  std::int32_t day = 0;  ///< since 1970
  core::Currency currency;
  friend bool operator==(const DayAndCurrency&, const DayAndCurrency&) = default;
};

/// The text is "2026-11-22/EUR".
struct DayKey {
  using Key = DayAndCurrency;
  static constexpr std::uint32_t kSign = 0x80000000U;
  static void encode_key(const Key& key, ByteWriter& out) {
    put_big_endian(out, static_cast<std::uint32_t>(key.day) ^ kSign);
    CurrencyKey::encode_key(key.currency, out);
  }
  static std::optional<Key> decode_key(ByteView bytes) {
    ByteReader in(bytes);
    const auto day = static_cast<std::int32_t>(get_big_endian<std::uint32_t>(in) ^ kSign);
    const std::optional<core::Currency> currency = CurrencyKey::decode_key(in.raw(in.left()));
    return currency ? std::optional(Key{day, *currency}) : std::nullopt;
  }
  static std::optional<Key> key_from_text(std::string_view text) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) {
      return std::nullopt;
    }
    const std::optional<std::int32_t> day = core::parse_day(text.substr(0, slash));
    const std::optional<core::Currency> currency = core::Currency::parse(text.substr(slash + 1));
    return day && currency ? std::optional(Key{*day, *currency}) : std::nullopt;
  }
  static std::string key_text(const Key& key) {
    return core::day_text(key.day) + "/" + CurrencyKey::key_text(key.currency);
  }
};

}  // namespace kpay::stages

template <>
struct std::hash<kpay::stages::DayAndCurrency> {
  std::size_t operator()(const kpay::stages::DayAndCurrency& key) const noexcept {
    return std::hash<kpay::core::Currency>{}(key.currency) * 1000003U +
           static_cast<std::size_t>(static_cast<std::uint32_t>(key.day));
  }
};
