// Replica: one task, run again over its recorded input: the same stages and the same runtime that
// the daemons run, with a log that only it sees.
//
// It appends nothing anywhere. What it says comes out as events, and what it keeps as checkpoints
// at positions that the caller chooses: those of the task's own markers, to be compared with them.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "stream/task.h"

namespace kpay::recompute {

/// An event as the replica sends it. Views are valid during the call.
struct SentEvent {
  std::size_t output = 0;  ///< by place in the spec; the one behind the last is ops.dlq
  std::int32_t partition = 0;
  std::uint64_t number = 0;
  std::int64_t cause_offset = 0;
  std::uint32_t cause_index = 0;  ///< 0 for a record that is one event
  std::uint64_t hash = 0;         ///< of all its bytes: event_hash()
  ByteView payload;
};

/// Of a frame's event: everything but its number. Of a record that is one event: key and value.
[[nodiscard]] std::uint64_t event_hash(ByteView header_or_key, ByteView payload) noexcept;

/// The state at one position, and the rows that changed since the one before.
struct Checkpoint {
  stream::Marker marker;
  Bytes rows;  ///< as put_row() wrote them
};

/// Threads: one at a time.
class Replica {
 public:
  using Sink = std::function<void(const SentEvent&)>;

  /// `identity` is that of the task's own open markers.
  Replica(const stream::StageSpec& spec, std::int32_t partition, const stream::Identity& identity,
          Sink sent);
  ~Replica();
  Replica(const Replica&) = delete;
  Replica& operator=(const Replica&) = delete;

  /// Begins with nothing, at input offset 0.
  Result<void> begin();
  /// Begins with the state at the end of a piece of the task's changelog, which starts at an open
  /// marker and ends with a marker: each of its records comes by take_changelog(), then restored().
  void begin_restoring(const stream::LogBounds& piece, const stream::Registers& at_its_end);
  void take_changelog(const stream::LogRecord& record);
  /// Errors: refused, corrupt, in the task's own words.
  Result<void> restored();

  /// The overrides of an open marker that the task's changelog has accepted: state from here on, as
  /// they were from there on for the task's owner (R23).
  void admit(const stream::OpenMarker& marker);

  /// The next record of its input. Errors: refused, when the task would stand still here.
  Result<void> take(const stream::LogRecord& record);
  /// Closes what was taken so far. Valid until the next call.
  Result<const Checkpoint*> checkpoint();

  [[nodiscard]] std::int64_t position() const noexcept { return position_; }
  /// The number of the last event sent there; 0 when there is none.
  [[nodiscard]] std::uint64_t sent(std::size_t output, std::int32_t partition) const;
  [[nodiscard]] std::span<stream::TableBase* const> tables() const noexcept;

 private:
  class Port;
  class Tap;

  void run();
  [[nodiscard]] Result<void> running() const;

  stream::StageSpec spec_;
  std::int32_t partition_;
  stream::Identity identity_;
  std::int64_t position_ = 0;
  std::int64_t clock_ms_ = 0;
  std::unique_ptr<Tap> tap_;
  std::unique_ptr<stream::Outbox> outbox_;
  Port* port_ = nullptr;  // the task's
  std::shared_ptr<stream::Task> task_;
  Checkpoint checkpoint_;
};

}  // namespace kpay::recompute
