// Tapes: partitions that are read one piece at a time, each as far as its reader says, over one
// connection. (Sweep reads many at once, each to its end.)
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "kafka/partition_reader.h"

namespace kpay::tool {

/// Threads: one. Outlives its tapes.
class TapeDeck {
 public:
  static Result<std::unique_ptr<TapeDeck>> connect(const kafka::ClientOptions& options,
                                                   std::size_t read_ahead_kilobytes = 65'536);

 private:
  friend class Tape;
  TapeDeck() = default;

  kafka::ClientEvents events_;
  kafka::Wake wake_;
  kafka::KafkaHandle client_;
};

class Tape {
 public:
  /// `topic` is the full name.
  Tape(TapeDeck& deck, const std::string& topic, std::int32_t partition);

  /// From here on. Errors: unavailable.
  Result<void> start(std::int64_t offset);
  /// Gives the next records below `end` to `taker`, until it says false (that one is taken, too).
  /// Errors: not_found (an offset that is gone), unavailable, when nothing comes for `stall_ms`.
  Result<void> read(std::int64_t end, const std::function<bool(const stream::LogRecord&)>& taker,
                    int stall_ms = 30'000);
  /// The offset of the next record.
  [[nodiscard]] std::int64_t next() const noexcept { return next_; }

 private:
  TapeDeck* deck_;
  kafka::TopicHandle topic_;
  kafka::PartitionReader reader_;
  std::int64_t next_ = 0;
};

}  // namespace kpay::tool
