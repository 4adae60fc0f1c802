// TopicReader: reads whole topics, for tools and followers: from the beginning (or given offsets)
// to where they end now, or on and on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "kafka/admin.h"
#include "kafka/partition_reader.h"

namespace kpay::kafka {

/// Where a partition is read: [begin, end).
struct PartitionRange {
  std::int32_t partition = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

/// Threads: one.
class TopicReader {
 public:
  static Result<std::unique_ptr<TopicReader>> connect(const ClientOptions& options);

  /// What is there now: [first offset, end) of each partition. Errors: not_found, unavailable.
  Result<std::vector<PartitionRange>> ranges(const std::string& topic, std::int32_t partitions);

  /// Gives each record of the ranges to `taker`, partition by partition in offset order; it returns
  /// false to stop. Errors: unavailable when nothing comes for `stall_ms`.
  Result<void> read(
      const std::string& topic, const std::vector<PartitionRange>& ranges,
      const std::function<bool(std::int32_t partition, const stream::LogRecord&)>& taker,
      int stall_ms = 30'000);

  /// Reads one partition from `offset` on, for ever; `taker` is called with each record, and
  /// without one at least every 100 ms; false ends it.
  Result<void> follow(const std::string& topic, std::int32_t partition, std::int64_t offset,
                      const std::function<bool(const stream::LogRecord*)>& taker);

  [[nodiscard]] Admin& admin() noexcept { return *admin_; }

 private:
  TopicReader() = default;

  ClientEvents events_;
  std::unique_ptr<Admin> admin_;
  KafkaHandle client_;
};

}  // namespace kpay::kafka
