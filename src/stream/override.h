// Overrides: what two people decided of one input record that the logic can't be left alone with
// (R23). An override is asked for by an operator's record, checked and answered by a task that
// reads from outside; the answer is what the owner carries in an open marker. From then on it is
// state, and every owner, standby and reader comes to the record with it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.h"
#include "base/uuid.h"
#include "stream/operator_record.h"
#include "stream/table.h"

namespace kpay::stream {

/// A row: what is done with the record at an input offset, and who said so.
struct Override {
  OverrideAction action = OverrideAction::skip;
  Timestamp time;      ///< of set_time
  Logic to;            ///< of switch_logic
  Uuid id;             ///< of the operator's record
  std::string author;  ///< who asked; the signatures stand with the record
  std::string reason;
  Origin at;  ///< where the signed record stands

  friend bool operator==(const Override&, const Override&) = default;
};

/// What an answer admits; nothing unless it is `done`, to an override.
[[nodiscard]] std::optional<Override> override_of(const OperatorAnswer& answer);
/// The input offset that an answer's override is about. REQUIRES: override_of(answer).
[[nodiscard]] std::int64_t overridden_offset(const OperatorAnswer& answer);

struct OverrideCodec {
  static void encode_key(const std::int64_t& key, ByteWriter& out);
  static std::optional<std::int64_t> decode_key(ByteView bytes);
  static void encode(const Override& row, ByteWriter& out);
  static std::optional<Override> decode(ByteView bytes);
  static std::optional<std::int64_t> key_from_text(std::string_view text);
  static std::string key_text(const std::int64_t& key);
  static Fields fields(const Override& row);
};

/// A task's overrides by input offset: the last of its tables.
using Overrides = Table<std::int64_t, Override, OverrideCodec>;

}  // namespace kpay::stream
