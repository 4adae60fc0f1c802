// Frames: the records of internal topics. One frame holds numbered events that one task sends to
// one partition (R6, R7). The layout, byte by byte, and when a frame is valid: docs/wire.md.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/bytes.h"
#include "base/hash.h"
#include "stream/event.h"

namespace kpay::stream {

/// A task as a sender: its stage's number and its partition.
struct SenderId {
  std::uint16_t stage = 0;
  std::int32_t partition = 0;

  friend bool operator==(const SenderId&, const SenderId&) = default;
  friend auto operator<=>(const SenderId&, const SenderId&) = default;
};

/// Numbers and running hash of one sender on one (topic, partition): of the last event sent, or of
/// the last one received (R7, R8).
struct Sequence {
  std::uint64_t last = 0;
  Hash128 hash;

  friend bool operator==(const Sequence&, const Sequence&) = default;
};

/// The part of an event's bytes that is not payload: what the receiver needs without decoding it.
struct EventHeader {
  std::uint32_t payload_bytes = 0;
  std::uint32_t cause_index = 0;
  std::int64_t cause_offset = 0;
  Timestamp time;
  Uuid subject;
};

inline constexpr std::size_t kEventHeaderBytes = 4 + 4 + 8 + 8 + 16;
inline constexpr std::size_t kFrameHeaderBytes = 4 + 4 + 16 + 2 + 2 + 4 + 8 + 16 + 16 + 4 + 4;
inline constexpr std::size_t kFrameChecksumBytes = 8;

/// The running hash after one more event. It covers cause, time, subject and payload; frames may
/// be cut anywhere without changing it.
[[nodiscard]] Hash128 chain_event(const Hash128& before, ByteView event_header,
                                  ByteView payload) noexcept;

/// Collects the events that one task sends to one partition, until they are cut into a frame.
class FrameBuilder {
 public:
  /// Adds one event; `sequence` moves on with it.
  void add(const EventHeader& header, ByteView payload, Sequence& sequence);

  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  /// Size of the frame if it were cut now.
  [[nodiscard]] std::size_t bytes() const noexcept {
    return kFrameHeaderBytes + headers_.size() + kFrameChecksumBytes + payloads_.size();
  }
  /// Forgets the events that were added; their sequence stays where it is.
  void clear() noexcept;
  /// The frame's bytes; the builder is empty afterwards. REQUIRES: !empty().
  [[nodiscard]] Bytes cut(const Uuid& lineage, SenderId sender, const Uuid& cause_topic,
                          std::int32_t cause_partition);

 private:
  std::uint32_t count_ = 0;
  Sequence before_;
  Bytes headers_;
  Bytes payloads_;
};

/// A frame as it was read; views into the record.
struct Frame {
  struct Item {
    EventHeader header;
    ByteView header_bytes;
    ByteView payload;
  };

  Uuid lineage;
  SenderId sender;
  std::uint64_t first = 0;
  Hash128 before;
  Uuid cause_topic;
  std::int32_t cause_partition = 0;
  std::vector<Item> events;

  [[nodiscard]] std::uint64_t last() const noexcept { return first + events.size() - 1; }
};

/// Reads a frame into `frame` (its vector is used again). False when the header can't be read:
/// wrong magic, version, checksum, or lengths that don't add up.
[[nodiscard]] bool read_frame(ByteView record, Frame& frame);

/// True for any record of the runtime's own formats: their first byte is never that of a
/// Protobuf message of ours.
[[nodiscard]] inline bool is_runtime_record(ByteView record) noexcept {
  return !record.empty() && record[0] == std::byte{'K'};
}

/// A tick (R4): time passes on an idle partition. Carries nothing; its append time is its content.
[[nodiscard]] Bytes make_tick();
[[nodiscard]] bool is_tick(ByteView record) noexcept;

}  // namespace kpay::stream
