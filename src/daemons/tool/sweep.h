// Sweep: reads many partitions at once over one connection, each in the order of its offsets.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kafka/partition_reader.h"

namespace kpay::tool {

/// What to read. Without an end it is read on and on.
struct SweepPart {
  static constexpr std::int64_t kNoEnd = -1;

  std::string topic;  ///< its full name
  std::int32_t partition = 0;
  std::int64_t begin = 0;
  std::int64_t end = kNoEnd;  ///< the first offset beyond
};

/// Threads: one.
class Sweep {
 public:
  /// `read_ahead_kilobytes` bounds the memory for what was fetched and not yet taken.
  static Result<std::unique_ptr<Sweep>> start(const kafka::ClientOptions& options,
                                              std::vector<SweepPart> parts,
                                              std::size_t read_ahead_kilobytes = 65'536);

  /// For changelogs, which their tasks trim behind each base (R14), perhaps while they are read
  /// here: when a part's next offset is gone, `reset` is called, and the part comes again from
  /// where it begins now to the end that it has now. Without this, that is an error.
  void begin_again(std::function<void(std::size_t part)> reset) { reset_ = std::move(reset); }

  /// Gives what is there to `taker`, part by part; waits up to `wait_ms` when nothing is. Returns
  /// the number of records. Errors: not_found (an offset that is gone).
  Result<std::size_t> poll(
      int wait_ms, const std::function<void(std::size_t part, const stream::LogRecord&)>& taker);

  /// polls until done(). Errors: unavailable, when nothing came for `stall_ms`.
  Result<void> run(const std::function<void(std::size_t part, const stream::LogRecord&)>& taker,
                   int stall_ms = 30'000);

  /// True when every part that has an end was read to it.
  [[nodiscard]] bool done() const;
  [[nodiscard]] const std::vector<SweepPart>& parts() const noexcept { return parts_; }

 private:
  Sweep() = default;
  Result<void> start_again(std::size_t part);

  kafka::ClientEvents events_;
  kafka::Wake wake_;
  kafka::KafkaHandle client_;
  std::vector<kafka::TopicHandle> topics_;
  std::vector<SweepPart> parts_;
  std::vector<std::int64_t> next_;
  std::vector<std::unique_ptr<kafka::PartitionReader>> readers_;
  std::vector<rd_kafka_topic_t*> topic_of_;
  std::function<void(std::size_t part)> reset_;
};

}  // namespace kpay::tool
