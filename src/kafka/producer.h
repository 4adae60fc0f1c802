// Producer: the idempotent producer under a worker's outbox (R11).
//
// Gapless and without time limits: what it took is delivered, in order within a partition, or the
// process ends. There is no delivery error that anybody could ignore.
#pragma once

#include <functional>

#include "kafka/client.h"
#include "kafka/wake.h"
#include "stream/outbox.h"
#include "stream/topics.h"

namespace kpay::kafka {

/// Threads: one, its worker's.
class Producer final : public stream::RecordProducer {
 public:
  /// `events` and `wake` outlive the producer.
  static Result<std::unique_ptr<Producer>> connect(const ClientOptions& options,
                                                   const stream::TopicTable& topics,
                                                   ClientEvents& events, Wake& wake);
  ~Producer() override;

  bool produce(stream::TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
               std::uint64_t cookie) override;

  /// Tells `delivered` of every record that arrived since the last call. True when there was one.
  bool poll(const std::function<void(std::uint64_t cookie)>& delivered);

 private:
  explicit Producer(ClientEvents& events) : events_(&events) {}
  static void on_delivery(rd_kafka_t* client, const rd_kafka_message_t* message, void* opaque);

  ClientEvents* events_;
  KafkaHandle client_;
  std::vector<TopicHandle> topics_;
  const std::function<void(std::uint64_t)>* delivered_ = nullptr;
  bool any_ = false;
};

}  // namespace kpay::kafka
