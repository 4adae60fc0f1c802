#include "stream/dead_letter.h"

#include <algorithm>
#include <charconv>

namespace kpay::stream {

namespace {

constexpr std::uint8_t kLetterRowVersion = 2;

template <class T>
void put_big_endian(ByteWriter& out, T value) {
  for (int shift = static_cast<int>(sizeof value) * 8 - 8; shift >= 0; shift -= 8) {
    out.put(static_cast<std::uint8_t>(value >> shift));
  }
}

template <class T>
T get_big_endian(ByteReader& in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof value; ++i) {
    value = static_cast<T>(value << 8U) | in.get<std::uint8_t>();
  }
  return value;
}

}  // namespace

Bytes encode(const DeadLetter& letter) {
  Bytes payload;
  ByteWriter out(payload);
  out.put(std::uint8_t{1});
  out.raw(letter.origin.topic_id.view());
  out.put(letter.origin.partition);
  out.put(letter.origin.offset);
  out.put(letter.origin.index);
  out.put(letter.reason);
  out.put(letter.bytes_total);
  put(out, letter.bytes_hash);
  out.sized(ByteView(letter.bytes));
  return payload;
}

std::optional<DeadLetter> decode_dead_letter(ByteView payload) {
  ByteReader in(payload);
  DeadLetter letter;
  const auto version = in.get<std::uint8_t>();
  letter.origin.topic_id = uuid_from_bytes(in.raw(16)).value_or(Uuid{});
  letter.origin.partition = in.get<std::int32_t>();
  letter.origin.offset = in.get<std::int64_t>();
  letter.origin.index = in.get<std::uint32_t>();
  letter.reason = in.get<DeadLetterReason>();
  letter.bytes_total = in.get<std::uint64_t>();
  letter.bytes_hash = get_hash128(in);
  letter.bytes = to_bytes(in.sized());
  if (version != 1 || !in.done() || letter.bytes.size() > kDeadLetterBytesMax ||
      letter.bytes.size() > letter.bytes_total) {
    return std::nullopt;
  }
  return letter;
}

std::string_view runtime_reason(DeadLetterReason reason) noexcept {
  switch (reason) {
    case kReasonEmptyRecord: return "empty_record";
    case kReasonForeignLineage: return "foreign_lineage";
    case kReasonUnknownSender: return "unknown_sender";
    case kReasonTooLarge: return "too_large";
    case kReasonMisdirected: return "misdirected";
    case kReasonSkipped: return "skipped";
    default: return {};
  }
}

void LetterCodec::encode_key(const LetterKey& key, ByteWriter& out) {
  put_big_endian(out, static_cast<std::uint64_t>(key.offset));
  put_big_endian(out, key.index);
}

std::optional<LetterKey> LetterCodec::decode_key(ByteView bytes) {
  ByteReader in(bytes);
  LetterKey key;
  key.offset = static_cast<std::int64_t>(get_big_endian<std::uint64_t>(in));
  key.index = get_big_endian<std::uint32_t>(in);
  return in.done() ? std::optional(key) : std::nullopt;
}

void LetterCodec::encode(const OpenLetter& letter, ByteWriter& out) {
  out.put(kLetterRowVersion);
  out.put(letter.reason);
  put(out, letter.bytes_hash);
  out.put(letter.time.ms);
  out.raw(letter.subject.view());
}

std::optional<OpenLetter> LetterCodec::decode(ByteView bytes) {
  ByteReader in(bytes);
  OpenLetter letter;
  const auto version = in.get<std::uint8_t>();
  letter.reason = in.get<DeadLetterReason>();
  letter.bytes_hash = get_hash128(in);
  letter.time.ms = in.get<std::int64_t>();
  letter.subject = uuid_from_bytes(in.raw(16)).value_or(Uuid{});
  return version == kLetterRowVersion && in.done() ? std::optional(letter) : std::nullopt;
}

std::optional<LetterKey> LetterCodec::key_from_text(std::string_view text) {
  const auto read = [](std::string_view digits, auto& number) {
    const char* end = digits.data() + digits.size();
    const auto [at, error] = std::from_chars(digits.data(), end, number);
    return error == std::errc() && at == end;
  };
  const std::size_t dot = text.find('.');
  LetterKey key;
  if (!read(text.substr(0, dot), key.offset)) {
    return std::nullopt;
  }
  if (dot != std::string_view::npos && !read(text.substr(dot + 1), key.index)) {
    return std::nullopt;
  }
  return key;
}

std::string LetterCodec::key_text(const LetterKey& key) {
  return std::to_string(key.offset) + "." + std::to_string(key.index);
}

Fields LetterCodec::fields(const OpenLetter& letter) {
  return {{"reason", std::uint64_t{letter.reason}},
          {"bytes_hash", to_string(letter.bytes_hash)},
          {"event_time_ms", letter.time.ms},
          {"subject", to_string(letter.subject)}};
}

}  // namespace kpay::stream
