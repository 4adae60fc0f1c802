// MemoryLog: a partitioned log in memory that behaves as the runtime needs it of Kafka: total order
// within a partition, append times from the log's own clock, deletion from the beginning.
#pragma once

#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/task.h"

namespace kpay::stream {

/// Threads: one. Records live until they are deleted.
class MemoryLog {
 public:
  explicit MemoryLog(Timestamp now) : now_(now) {}

  /// The clock that stamps records. It may go back, as a broker's may.
  void set_now(Timestamp now) noexcept { now_ = now; }
  [[nodiscard]] Timestamp now() const noexcept { return now_; }

  /// Adds a topic under the next index.
  TopicIndex create(std::int32_t partitions, const Uuid& id);

  std::int64_t append(TopicIndex topic, std::int32_t partition, ByteView key, ByteView value);
  [[nodiscard]] LogBounds bounds(TopicIndex topic, std::int32_t partition) const;
  /// The record at `offset`; nothing at the end. Errors: not_found before the beginning.
  [[nodiscard]] Result<std::optional<LogRecord>> read(TopicIndex topic, std::int32_t partition,
                                                      std::int64_t offset) const;
  void delete_before(TopicIndex topic, std::int32_t partition, std::int64_t offset);
  /// Loses the newest record, as a broker does that breaks its word. REQUIRES: there is one.
  void lose_last(TopicIndex topic, std::int32_t partition);

 private:
  struct Stored {
    Timestamp appended;
    Bytes key;
    Bytes value;
  };
  struct Partition {
    std::int64_t begin = 0;
    std::deque<Stored> records;
  };
  struct Topic {
    Uuid id;
    std::vector<Partition> partitions;
  };

  Timestamp now_;
  std::vector<Topic> topics_;
};

}  // namespace kpay::stream
