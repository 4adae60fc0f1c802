// Toy stages: a pair that exercises the runtime and knows nothing of payments.
//
// source reads single records of toy.in, one command in words each:
//   add FROM TO AMOUNT   counts at FROM, sends "TO AMOUNT" to toy.mid by TO
//   send TO TEXT         sends TEXT to toy.mid by TO as it is
//   big TO BYTES         sends a payload of that many bytes
//   timer NAME           sends "NAME 1" to toy.mid by NAME when kToyTimerMs have passed
//   erase NAME           drops the row of NAME, if there is one
//   only FROM TO AMOUNT  as add, but a dead letter (kToyMissing) while FROM has no row
//   forget NAME          changes the row of NAME behind the runtime's back, as a bug would
// Anything else is dead-lettered. adder reads frames of toy.mid ("NAME AMOUNT", or "only NAME
// AMOUNT", a dead letter while NAME has no row), adds to NAME's sum, drops a row whose sum is zero,
// and tells toy.out (frames) and toy.public (singles).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "stream/stage.h"
#include "stream/table.h"

namespace kpay::test {

inline constexpr const char* kToyIn = "toy.in";
inline constexpr const char* kToyMid = "toy.mid";
inline constexpr const char* kToyOut = "toy.out";
inline constexpr const char* kToyPublic = "toy.public";
inline constexpr std::uint16_t kSource = 1;
inline constexpr std::uint16_t kAdder = 2;
inline constexpr std::int64_t kToyTimerMs = 5000;
inline constexpr std::size_t kToyEventBytesMax = 4096;
inline constexpr stream::DeadLetterReason kToyUnreadable = stream::kFirstStageReason;
inline constexpr stream::DeadLetterReason kToyMissing = kToyUnreadable + 1;

struct Tally {
  std::int64_t count = 0;
  std::int64_t sum = 0;
};

struct TallyCodec {
  static void encode_key(const std::string& key, ByteWriter& out) { out.raw(as_bytes(key)); }
  static std::optional<std::string> decode_key(ByteView bytes) {
    return std::string(as_text(bytes));
  }
  static void encode(const Tally& row, ByteWriter& out);
  static std::optional<Tally> decode(ByteView bytes);
  static std::optional<std::string> key_from_text(std::string_view text) {
    return std::string(text);
  }
  static std::string key_text(const std::string& key) { return key; }
  static stream::Fields fields(const Tally& row) {
    return {{"count", row.count}, {"sum", row.sum}};
  }
};
using Tallies = stream::Table<std::string, Tally, TallyCodec>;

struct Timer {
  std::int64_t due_ms = 0;
  std::string name;
};

struct TimerCodec {
  static void encode_key(std::uint64_t key, ByteWriter& out);
  static std::optional<std::uint64_t> decode_key(ByteView bytes);
  static void encode(const Timer& row, ByteWriter& out);
  static std::optional<Timer> decode(ByteView bytes);
  static std::optional<std::uint64_t> key_from_text(std::string_view text);
  static std::string key_text(std::uint64_t key) { return std::to_string(key); }
  static stream::Fields fields(const Timer& row) { return {{"due_ms", row.due_ms}}; }
};
using Timers = stream::Table<std::uint64_t, Timer, TimerCodec>;

/// toy.in → toy.mid. Tables: tallies, timers.
[[nodiscard]] stream::StageSpec source_spec();
/// toy.mid → toy.out, toy.public. Table: tallies.
[[nodiscard]] stream::StageSpec adder_spec();
/// The same by the next logic version, which adds ten times the amount.
[[nodiscard]] stream::StageSpec next_adder_spec();

}  // namespace kpay::test
