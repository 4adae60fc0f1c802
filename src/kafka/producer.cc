#include "kafka/producer.h"

#include "base/check.h"

namespace kpay::kafka {

namespace {

// The opaque of a producer's configuration: what its callbacks need.
thread_local Producer* polling = nullptr;

constexpr int kFlushAtEndMs = 2000;

}  // namespace

Result<std::unique_ptr<Producer>> Producer::connect(const ClientOptions& options,
                                                    const stream::TopicTable& topics,
                                                    ClientEvents& events, Wake& wake) {
  std::unique_ptr<Producer> producer(new Producer(events));
  ClientBuilder builder(options);
  watch(builder, events);
  builder.set("enable.idempotence", "true")
      .set("enable.gapless.guarantee", "true")
      .set("acks", "all")
      .set("message.timeout.ms", "0")
      .set("retries", "2147483647")
      .set("retry.backoff.ms", "20")
      .set("max.in.flight.requests.per.connection", "5")
      .set("linger.ms", std::to_string(options.linger_ms))
      .set("batch.size", "1000000")
      .set("message.max.bytes", "2000000")
      .set("queue.buffering.max.messages", "1000000")
      .set("queue.buffering.max.kbytes", "262144")
      .set("compression.type", "none");
  rd_kafka_conf_set_dr_msg_cb(builder.conf(), on_delivery);
  Result<KafkaHandle> client = builder.make(RD_KAFKA_PRODUCER);
  if (!client) {
    return Unexpected(client.error());
  }
  producer->client_ = std::move(*client);
  for (std::size_t i = 0; i < topics.size(); ++i) {
    const std::string name = topics.full_name(static_cast<stream::TopicIndex>(i));
    producer->topics_.emplace_back(
        rd_kafka_topic_new(producer->client_.get(), name.c_str(), nullptr));
    check(producer->topics_.back() != nullptr, "a topic handle can be made");
  }
  const QueueHandle main(rd_kafka_queue_get_main(producer->client_.get()));
  wake.watch(main.get());
  return producer;
}

Producer::~Producer() {
  if (client_) {
    delivered_ = nullptr;
    polling = this;
    (void)rd_kafka_flush(client_.get(), kFlushAtEndMs);
    const QueueHandle main(rd_kafka_queue_get_main(client_.get()));
    rd_kafka_queue_cb_event_enable(main.get(), nullptr, nullptr);
    topics_.clear();
    client_.reset();
    polling = nullptr;
  }
}

bool Producer::produce(stream::TopicIndex topic, std::int32_t partition, ByteView key,
                       ByteView value, std::uint64_t cookie) {
  // Neither copied nor freed by the client: the outbox keeps the bytes until delivery.
  auto* payload = const_cast<std::byte*>(value.data());
  const int failed = rd_kafka_produce(topics_[topic].get(), partition, 0, payload, value.size(),
                                      key.data(), key.size(), reinterpret_cast<void*>(cookie));
  if (failed == 0) {
    return true;
  }
  const rd_kafka_resp_err_t code = rd_kafka_last_error();
  if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL && events_->on_fatal) {
    events_->on_fatal("produce to " + std::string(rd_kafka_topic_name(topics_[topic].get())) +
                      ": " + rd_kafka_err2str(code));
  }
  return false;
}

void Producer::on_delivery(rd_kafka_t*, const rd_kafka_message_t* message, void*) {
  Producer* self = polling;
  if (self == nullptr) {
    return;
  }
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    if (self->delivered_ != nullptr && self->events_->on_fatal) {
      self->events_->on_fatal("delivery to " + std::string(rd_kafka_topic_name(message->rkt)) +
                              "/" + std::to_string(message->partition) +
                              " failed: " + rd_kafka_err2str(message->err));
    }
    return;
  }
  self->any_ = true;
  if (self->delivered_ != nullptr) {
    (*self->delivered_)(reinterpret_cast<std::uint64_t>(message->_private));
  }
}

bool Producer::poll(const std::function<void(std::uint64_t cookie)>& delivered) {
  any_ = false;
  delivered_ = &delivered;
  polling = this;
  (void)rd_kafka_poll(client_.get(), 0);
  polling = nullptr;
  delivered_ = nullptr;
  return any_;
}

}  // namespace kpay::kafka
