// Dead letters: events that no stage can apply, kept whole with their place and reason (R24).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/hash.h"
#include "stream/event.h"
#include "stream/table.h"

namespace kpay::stream {

/// At most so many of a dead letter's bytes travel to ops.dlq; the input keeps them all.
inline constexpr std::size_t kDeadLetterBytesMax = 256 * 1024;

/// The payload of an event on ops.dlq. Depends on the record alone, never on an error's text, so
/// that every build writes the same bytes.
struct DeadLetter {
  Origin origin;
  DeadLetterReason reason = 0;
  std::uint64_t bytes_total = 0;
  Hash128 bytes_hash;  ///< of all of them
  Bytes bytes;         ///< the first kDeadLetterBytesMax
};

[[nodiscard]] Bytes encode(const DeadLetter& letter);
[[nodiscard]] std::optional<DeadLetter> decode_dead_letter(ByteView payload);

/// The reason in words, for the runtime's own numbers; empty for a stage's.
[[nodiscard]] std::string_view runtime_reason(DeadLetterReason reason) noexcept;

/// Place of an open dead letter in its task's input.
struct LetterKey {
  std::int64_t offset = 0;
  std::uint32_t index = 0;

  friend bool operator==(const LetterKey&, const LetterKey&) = default;
};

struct OpenLetter {
  DeadLetterReason reason = 0;
  Hash128 bytes_hash;
  Timestamp time{};  ///< the event's own: a replay changes neither of them (R3)
  Uuid subject{};
};

struct LetterCodec {
  static void encode_key(const LetterKey& key, ByteWriter& out);
  static std::optional<LetterKey> decode_key(ByteView bytes);
  static void encode(const OpenLetter& letter, ByteWriter& out);
  static std::optional<OpenLetter> decode(ByteView bytes);
  /// "offset.index"
  static std::optional<LetterKey> key_from_text(std::string_view text);
  static std::string key_text(const LetterKey& key);
  static Fields fields(const OpenLetter& letter);
};

}  // namespace kpay::stream

template <>
struct std::hash<kpay::stream::LetterKey> {
  std::size_t operator()(const kpay::stream::LetterKey& key) const noexcept {
    return std::hash<std::int64_t>{}(key.offset) * 31U + key.index;
  }
};

namespace kpay::stream {

/// A task's open dead letters: part of its state, the last of its tables.
using DeadLetters = Table<LetterKey, OpenLetter, LetterCodec>;

}  // namespace kpay::stream
