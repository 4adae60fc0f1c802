#include "kafka/plain_producer.h"

namespace kpay::kafka {

namespace {

constexpr int kFullWaitMs = 50;

}  // namespace

Result<std::unique_ptr<PlainProducer>> PlainProducer::connect(const ClientOptions& options) {
  std::unique_ptr<PlainProducer> producer(new PlainProducer());
  ClientBuilder builder(options);
  builder.set("enable.idempotence", "true")
      .set("acks", "all")
      .set("linger.ms", std::to_string(options.linger_ms))
      .set("batch.size", "1000000")
      .set("message.timeout.ms", "120000")
      .set("message.max.bytes", "8000000")
      .set("queue.buffering.max.messages", "1000000");
  rd_kafka_conf_set_opaque(builder.conf(), producer.get());
  rd_kafka_conf_set_log_cb(builder.conf(), [](const rd_kafka_t*, int, const char*, const char*) {});
  rd_kafka_conf_set_dr_msg_cb(builder.conf(), on_report);
  Result<KafkaHandle> client = builder.make(RD_KAFKA_PRODUCER);
  if (!client) {
    return Unexpected(client.error());
  }
  producer->client_ = std::move(*client);
  return producer;
}

PlainProducer::~PlainProducer() {
  told_ = nullptr;
  topics_.clear();
}

rd_kafka_topic_t* PlainProducer::topic_handle(const std::string& topic) {
  TopicHandle& handle = topics_[topic];
  if (!handle) {
    handle.reset(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  }
  return handle.get();
}

Result<void> PlainProducer::send(const std::string& topic, std::int32_t partition, ByteView key,
                                 std::optional<ByteView> value, std::uint64_t tag) {
  auto* payload = value ? const_cast<std::byte*>(value->data()) : nullptr;
  const std::size_t size = value ? value->size() : 0;
  while (rd_kafka_produce(topic_handle(topic), partition, RD_KAFKA_MSG_F_COPY, payload, size,
                          key.data(), key.size(), reinterpret_cast<void*>(tag)) != 0) {
    const rd_kafka_resp_err_t code = rd_kafka_last_error();
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return Unexpected(to_error(code, "send to " + topic));
    }
    (void)rd_kafka_poll(client_.get(), kFullWaitMs);
  }
  return {};
}

Result<void> PlainProducer::send(const std::string& topic, std::int32_t partition, ByteView key,
                                 std::optional<ByteView> value, const RecordHeaders& headers,
                                 std::uint64_t tag) {
  auto* payload = value ? const_cast<std::byte*>(value->data()) : nullptr;
  const std::size_t size = value ? value->size() : 0;
  for (;;) {
    rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
    for (const auto& [name, bytes] : headers) {
      (void)rd_kafka_header_add(list, name.c_str(), -1, bytes ? bytes->data() : nullptr,
                                bytes ? static_cast<ssize_t>(bytes->size()) : 0);
    }
    const rd_kafka_resp_err_t code = rd_kafka_producev(
        client_.get(), RD_KAFKA_V_RKT(topic_handle(topic)), RD_KAFKA_V_PARTITION(partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
        RD_KAFKA_V_VALUE(payload, size), RD_KAFKA_V_HEADERS(list),
        RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(tag)), RD_KAFKA_V_END);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      return {};
    }
    rd_kafka_headers_destroy(list);  // the producer takes them only with the record
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return Unexpected(to_error(code, "send to " + topic));
    }
    (void)rd_kafka_poll(client_.get(), kFullWaitMs);
  }
}

void PlainProducer::poll() { (void)rd_kafka_poll(client_.get(), 0); }

std::size_t PlainProducer::outstanding() const {
  return static_cast<std::size_t>(rd_kafka_outq_len(client_.get()));
}

Result<void> PlainProducer::flush(int timeout_ms) {
  const rd_kafka_resp_err_t code = rd_kafka_flush(client_.get(), timeout_ms);
  if (first_error_) {
    return Unexpected(*std::exchange(first_error_, std::nullopt));
  }
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(
        code, "records were not acknowledged within " + std::to_string(timeout_ms) + " ms"));
  }
  return {};
}

void PlainProducer::on_report(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  auto* self = static_cast<PlainProducer*>(opaque);
  const auto tag = reinterpret_cast<std::uint64_t>(message->_private);
  Result<void> delivered;
  if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++self->delivered_;
  } else {
    const Error error =
        to_error(message->err, std::string("delivery to ") + rd_kafka_topic_name(message->rkt));
    self->first_error_ = self->first_error_ ? self->first_error_ : error;
    delivered = Unexpected(error);
  }
  if (self->told_) {
    self->told_(tag, delivered);
  }
}

}  // namespace kpay::kafka
