// What the parts of Task's implementation share, and nobody else includes.
#pragma once

#include <limits>

#include "base/check.h"
#include "stream/task.h"

namespace kpay::stream {

// Tags of records that no checkpoint waits for; outputs carry the number of their interval.
inline constexpr std::uint64_t kTagTakeover = std::numeric_limits<std::uint64_t>::max();
inline constexpr std::uint64_t kTagChangelog = kTagTakeover - 1;
inline constexpr std::uint64_t kTagTick = kTagTakeover - 2;

inline constexpr std::int64_t kStoreRetryMs = 1000;

/// How often one record may kill the process before its task is held (R23).
inline constexpr std::uint32_t kDeathsMost = 3;

/// A standby writes what it followed to its file at so many bytes of rows, or after a time.
inline constexpr std::size_t kStandbyStoreBytes = 8U << 20U;

/// What a task takes in one turn, so that its neighbours and its outputs don't wait long: some ms.
inline constexpr std::size_t kEventsPerTurn = 1000;

/// A checkpoint between its freeze and its commit.
struct Task::Checkpoint {
  enum class Step : std::uint8_t { waiting_outputs, appended, storing, store_failed };

  Step step = Step::waiting_outputs;
  std::uint64_t interval = 0;  ///< whose outputs have to be acknowledged first
  std::vector<Bytes> frames;   ///< encoded row frames
  Marker marker;
  std::int64_t retry_ms = 0;
};

/// An override from the wish for it to its admission; its record waits.
struct Task::Admission {
  enum class Step : std::uint8_t { asked, ask_again, admitted, renewing };

  Step step = Step::asked;
  OperatorAnswer answer;
  std::int64_t retry_ms = 0;
};

/// Collects what one event causes, so that it leaves whole or not at all.
class Task::EventEmitter final : public Emitter {
 public:
  explicit EventEmitter(Task& task) : task_(&task) {}

  void emit(std::size_t output, ByteView key, const Outgoing& event) override;
  [[nodiscard]] std::uint64_t next_number(std::size_t output, ByteView key) const override;

  void discard() noexcept;
  /// Numbers what was collected and gives it to the task's frames.
  void publish(const Origin& cause);

 private:
  struct Item {
    std::size_t output;
    std::int32_t partition;
    std::size_t key_bytes;
    std::size_t payload_bytes;
    Uuid subject;
    Timestamp time;
  };

  Task* task_;
  std::vector<Item> items_;
  Bytes bytes_;  // keys and payloads, one after the other
};

}  // namespace kpay::stream
