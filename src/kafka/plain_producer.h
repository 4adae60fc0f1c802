// PlainProducer: appends records for which no task answers: control and status records, and what
// clients and tools send. Idempotent, acks=all; the first record to a partition, and the first
// after long silence there, travels alone (R11), and what comes meanwhile waits behind it in order.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "kafka/raw_record.h"

namespace kpay::kafka {

/// Threads: send() and flush() from one; another may do so on another producer.
class PlainProducer {
 public:
  /// With `events`, trouble is told; without, it only shows in flush().
  static Result<std::unique_ptr<PlainProducer>> connect(const ClientOptions& options);
  ~PlainProducer();
  PlainProducer(const PlainProducer&) = delete;
  PlainProducer& operator=(const PlainProducer&) = delete;

  /// Called with each record's tag as it is acknowledged, or with the error that kept it out.
  void on_delivery(std::function<void(std::uint64_t tag, const Result<void>& delivered)> told) {
    told_ = std::move(told);
  }

  /// Queues a copy. No value deletes the key (compacted topics). Waits while the queue is full.
  /// Errors: invalid (larger than the client may send, unknown topic or partition).
  Result<void> send(const std::string& topic, std::int32_t partition, ByteView key,
                    std::optional<ByteView> value, std::uint64_t tag = 0);
  /// The same, with headers.
  Result<void> send(const std::string& topic, std::int32_t partition, ByteView key,
                    std::optional<ByteView> value, const RecordHeaders& headers,
                    std::uint64_t tag = 0);
  /// Serves deliveries that are due, without waiting.
  void poll();
  /// Waits until all is acknowledged. Errors: unavailable (time), or the first delivery error.
  Result<void> flush(int timeout_ms);
  /// Acknowledged so far.
  [[nodiscard]] std::uint64_t delivered() const noexcept { return delivered_; }
  [[nodiscard]] std::size_t outstanding() const;

 private:
  struct Held {
    Bytes key;
    std::optional<Bytes> value;
    RecordHeaders headers;
    std::uint64_t tag = 0;
  };
  /// What is known of the way to one partition.
  struct Way {
    bool open = false;       ///< a broker knows this producer there
    bool first_out = false;  ///< the one that travels alone
    std::int64_t last_ms = 0;
    std::deque<Held> held;
  };
  struct Topic {
    TopicHandle handle;
    std::map<std::int32_t, Way> ways;
  };

  PlainProducer() = default;
  Topic& topic_of(const std::string& name);
  rd_kafka_resp_err_t produce(Topic& topic, std::int32_t partition, ByteView key,
                              std::optional<ByteView> value, const RecordHeaders& headers,
                              std::uint64_t tag);
  void hand_over(Topic& topic, std::int32_t partition, Way& way);
  void tell(rd_kafka_resp_err_t code, const std::string& topic, std::uint64_t tag);
  static void on_report(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);

  KafkaHandle client_;
  std::map<std::string, Topic> topics_;
  std::size_t held_ = 0;  // of all ways
  std::function<void(std::uint64_t, const Result<void>&)> told_;
  std::uint64_t delivered_ = 0;
  std::optional<Error> first_error_;
};

}  // namespace kpay::kafka
