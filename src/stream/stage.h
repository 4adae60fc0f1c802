// Stage: a pure state machine with one input topic. The runtime makes one Stage object a task.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "stream/event.h"
#include "stream/logic.h"

namespace kpay::stream {

class TableBase;

/// The only door out of a stage. Nothing that is emitted leaves the task unless apply() ends well.
class Emitter {
 public:
  virtual ~Emitter() = default;

  /// Sends an event to the partition that `key` belongs to, of the output that stands at `output`
  /// in the stage's list. Key and payload are copied.
  virtual void emit(std::size_t output, ByteView key, const Outgoing& event) = 0;

  /// The number that the next event for that key's partition will get (R7): for public topics,
  /// whose readers drop a repeat by it.
  [[nodiscard]] virtual std::uint64_t next_number(std::size_t output, ByteView key) const = 0;
};

/// One task's state machine. State and output events depend on the input's content and order only
/// (R2): no clock, randomness, configuration or iteration over a hash table's order.
/// Threads: one at a time. Owns its tables.
class Stage {
 public:
  virtual ~Stage() = default;

  /// Its tables, always in the same order: a table's place is its number in the changelog.
  [[nodiscard]] virtual std::span<TableBase* const> tables() = 0;

  /// Applies one event at the task's `now`. A reason means that the event is dead-lettered: then
  /// no row has been changed (what was emitted is dropped by the runtime).
  [[nodiscard]] virtual std::optional<DeadLetterReason> apply(const Event& event, Timestamp now,
                                                              Emitter& out) = 0;

  /// Time has passed without an event for this partition (R4).
  virtual void tick(Timestamp now, Emitter& out) {
    (void)now;
    (void)out;
  }
};

/// How records of a topic are made.
enum class RecordShape : std::uint8_t {
  single,  ///< one event per record, its payload alone: public topics and outside commands
  frame,   ///< frames of numbered events (R6): internal topics
};

/// How soon a stage wants its input. Reading is by request, and requests are what costs a broker
/// most: what nobody waits for is read many records at a time.
enum class Pace : std::uint8_t {
  prompt,   ///< as soon as it is there: somebody waits at the end of the pipe
  relaxed,  ///< some tens of ms later
};

struct OutputSpec {
  std::string topic;  ///< without the configured prefix
  RecordShape shape = RecordShape::frame;
  /// Of singles: the number that a record tells; null when it tells none (R7).
  std::function<std::optional<std::uint64_t>(ByteView record)> number_of{};
};

/// What the runtime has to know of a stage. A value; describes, starts nothing.
struct StageSpec {
  std::string name;          ///< "account": part of topic, file and metric names
  std::uint16_t number = 0;  ///< its number as a sender, for good
  std::string input;         ///< topic without the prefix
  RecordShape input_shape = RecordShape::frame;
  Pace pace = Pace::prompt;
  std::vector<std::uint16_t> senders;  ///< stages that may write frames to the input
  std::vector<OutputSpec> outputs;
  Logic logic{1, {}};               ///< changes exactly when a golden transcript does (R21)
  std::size_t event_bytes_max = 0;  ///< the largest legal input event (R13)
  /// Makes the state machine of one partition out of `partitions`.
  std::function<std::unique_ptr<Stage>(std::int32_t partition, std::int32_t partitions)> make;

  /// The changelog's topic without the prefix: "state.<name>.changelog".
  [[nodiscard]] std::string changelog() const { return "state." + name + ".changelog"; }
};

}  // namespace kpay::stream
