// PartitionReader: reads one partition from an exact offset. No group, no committed offset and no
// reset policy has a say in where it starts (R17).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "kafka/client.h"
#include "kafka/wake.h"
#include "stream/task.h"

namespace kpay::kafka {

/// The consumer that readers share: one connection per broker, one fetch at a time.
/// `queue_kilobytes` bounds what is fetched ahead, all of the `partitions` that it reads at a time
/// together; of many, each may have at least 512 KiB, and one fetch more.
Result<KafkaHandle> make_reading_client(const ClientOptions& options, ClientEvents& events,
                                        std::size_t queue_kilobytes, std::size_t partitions,
                                        stream::Pace pace = stream::Pace::prompt);

/// Threads: one. The client and the topic handle outlive it.
class PartitionReader {
 public:
  PartitionReader(rd_kafka_t* client, rd_kafka_topic_t* topic, std::int32_t partition, Wake* wake)
      : client_(client), topic_(topic), partition_(partition), wake_(wake) {}
  ~PartitionReader() { stop(); }
  PartitionReader(const PartitionReader&) = delete;
  PartitionReader& operator=(const PartitionReader&) = delete;

  /// Reads from `offset` on; what an earlier reading had fetched is dropped.
  Result<void> start(std::int64_t offset);
  void stop();
  [[nodiscard]] bool is_reading() const noexcept { return queue_ != nullptr; }

  /// Gives up to `most` records that are there to `taker`, until it returns false; what it didn't
  /// take comes again. Errors: not_found (the offset is gone), unavailable. Returns the number
  /// taken.
  Result<std::size_t> poll(std::size_t most, int timeout_ms,
                           const std::function<bool(const stream::LogRecord&)>& taker);

 private:
  void drop_held();

  rd_kafka_t* client_;
  rd_kafka_topic_t* topic_;
  std::int32_t partition_;
  Wake* wake_;
  QueueHandle queue_;
  std::vector<rd_kafka_message_t*> held_;  // fetched: [next_, count_) are not yet taken
  std::size_t next_ = 0;
  std::size_t count_ = 0;
  std::uint64_t reading_ = 0;  // counts starts and stops
};

}  // namespace kpay::kafka
