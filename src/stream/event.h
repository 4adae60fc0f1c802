// What a stage receives and what it sends: events, with their cause and their time.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/time.h"
#include "base/uuid.h"

namespace kpay::stream {

/// Where an event stands in the log: its identity, and the cause of whatever follows from it (R9).
struct Origin {
  Uuid topic_id;
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::uint32_t index = 0;  ///< place within the record, from 0

  friend bool operator==(const Origin&, const Origin&) = default;
};

/// An event as its receiver sees it. The payload is a view into the record: copy what must stay.
struct Event {
  Origin origin;
  Timestamp time;      ///< event time: append time of the command's record on its first topic (R3)
  Timestamp appended;  ///< append time of the record that brought it here (R5)
  Uuid subject;        ///< the payment or command it belongs to; nil when there is none
  ByteView payload;
};

/// An event on its way out. The runtime adds the cause, the number and the running hash.
struct Outgoing {
  Uuid subject;
  Timestamp time;
  ByteView payload;  ///< copied by emit()
};

/// Why an event was dead-lettered: a number of the closed list in docs/wire.md. The runtime's own
/// are below kFirstStageReason; a stage's start there and belong to its logic version (R24).
using DeadLetterReason = std::uint16_t;

inline constexpr DeadLetterReason kReasonEmptyRecord = 1;
inline constexpr DeadLetterReason kReasonForeignLineage = 2;
inline constexpr DeadLetterReason kReasonUnknownSender = 3;
inline constexpr DeadLetterReason kReasonTooLarge = 4;
inline constexpr DeadLetterReason kReasonMisdirected = 5;
inline constexpr DeadLetterReason kReasonSkipped = 6;
inline constexpr DeadLetterReason kFirstStageReason = 100;

}  // namespace kpay::stream
