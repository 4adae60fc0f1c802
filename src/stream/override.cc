#include "stream/override.h"

#include <bit>
#include <charconv>

namespace kpay::stream {

namespace {

constexpr std::uint8_t kRowVersion = 1;

bool is_action(OverrideAction action) {
  return action >= OverrideAction::skip && action <= OverrideAction::switch_logic;
}

}  // namespace

std::optional<Override> override_of(const OperatorAnswer& answer) {
  const auto* asked = std::get_if<OverrideInput>(&answer.record.what);
  if (answer.verdict != OperatorVerdict::done || asked == nullptr) {
    return std::nullopt;
  }
  return Override{asked->action,        asked->time,          asked->to, answer.record.id,
                  answer.record.author, answer.record.reason, answer.at};
}

std::int64_t overridden_offset(const OperatorAnswer& answer) {
  return std::get<OverrideInput>(answer.record.what).offset;
}

void OverrideCodec::encode_key(const std::int64_t& key, ByteWriter& out) {
  for (int shift = 56; shift >= 0; shift -= 8) {
    out.put(
        static_cast<std::uint8_t>(static_cast<std::uint64_t>(key) >> static_cast<unsigned>(shift)));
  }
}

std::optional<std::int64_t> OverrideCodec::decode_key(ByteView bytes) {
  if (bytes.size() != sizeof(std::int64_t)) {
    return std::nullopt;
  }
  std::uint64_t key = 0;
  for (const std::byte each : bytes) {
    key = key << 8U | static_cast<std::uint8_t>(each);
  }
  return static_cast<std::int64_t>(key);
}

void OverrideCodec::encode(const Override& row, ByteWriter& out) {
  out.put(kRowVersion);
  out.put(static_cast<std::uint8_t>(row.action));
  out.put(row.time.ms);
  put(out, row.to);
  out.raw(row.id.view());
  out.sized(row.author);
  out.sized(row.reason);
  out.raw(row.at.topic_id.view());
  out.put(row.at.partition);
  out.put(row.at.offset);
  out.put(row.at.index);
}

std::optional<Override> OverrideCodec::decode(ByteView bytes) {
  ByteReader in(bytes);
  Override row;
  const auto version = in.get<std::uint8_t>();
  row.action = static_cast<OverrideAction>(in.get<std::uint8_t>());
  row.time.ms = in.get<std::int64_t>();
  row.to = get_logic(in);
  row.id = uuid_from_bytes(in.raw(16)).value_or(Uuid{});
  row.author = in.text();
  row.reason = in.text();
  row.at.topic_id = uuid_from_bytes(in.raw(16)).value_or(Uuid{});
  row.at.partition = in.get<std::int32_t>();
  row.at.offset = in.get<std::int64_t>();
  row.at.index = in.get<std::uint32_t>();
  const bool right = version == kRowVersion && in.done() && is_action(row.action);
  return right ? std::optional(std::move(row)) : std::nullopt;
}

std::optional<std::int64_t> OverrideCodec::key_from_text(std::string_view text) {
  std::int64_t key = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, key);
  return error == std::errc() && at == end ? std::optional(key) : std::nullopt;
}

std::string OverrideCodec::key_text(const std::int64_t& key) { return std::to_string(key); }

Fields OverrideCodec::fields(const Override& row) {
  return {{"action", std::string(to_string(row.action))},
          {"time_ms", row.time.ms},
          {"to_version", std::int64_t{row.to.version}},
          {"id", to_string(row.id)},
          {"author", row.author},
          {"reason", row.reason},
          {"record_partition", std::int64_t{row.at.partition}},
          {"record_offset", row.at.offset}};
}

}  // namespace kpay::stream
