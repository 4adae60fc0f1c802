#include "stream/operator_key.h"

#include <algorithm>

namespace kpay::stream {

namespace {

constexpr std::uint8_t kRowVersion = 1;

}  // namespace

void OperatorKeyCodec::encode_key(const PublicKey& key, ByteWriter& out) { out.raw(key.bytes); }

std::optional<PublicKey> OperatorKeyCodec::decode_key(ByteView bytes) {
  PublicKey key;
  if (bytes.size() != key.bytes.size()) {
    return std::nullopt;
  }
  std::copy(bytes.begin(), bytes.end(), key.bytes.begin());
  return key;
}

void OperatorKeyCodec::encode(const OperatorKey& row, ByteWriter& out) {
  out.put(kRowVersion);
  out.put(row.since.ms);
  out.sized(row.owner);
}

std::optional<OperatorKey> OperatorKeyCodec::decode(ByteView bytes) {
  ByteReader in(bytes);
  OperatorKey row;
  const auto version = in.get<std::uint8_t>();
  row.since.ms = in.get<std::int64_t>();
  row.owner = in.text();
  return version == kRowVersion && in.done() ? std::optional(std::move(row)) : std::nullopt;
}

std::optional<PublicKey> OperatorKeyCodec::key_from_text(std::string_view text) {
  return parse_public_key(text);
}

std::string OperatorKeyCodec::key_text(const PublicKey& key) { return to_string(key); }

Fields OperatorKeyCodec::fields(const OperatorKey& row) {
  return {{"owner", row.owner}, {"since_ms", row.since.ms}};
}

}  // namespace kpay::stream
