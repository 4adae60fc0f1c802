#include "kafka/plain_producer.h"

#include "base/time.h"
#include "stream/outbox.h"

namespace kpay::kafka {

namespace {

constexpr int kFullWaitMs = 50;
constexpr std::size_t kHeldMost = 100'000;  // behind the first of a partition

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

PlainProducer::Topic& PlainProducer::topic_of(const std::string& name) {
  Topic& topic = topics_[name];
  if (!topic.handle) {
    topic.handle.reset(rd_kafka_topic_new(client_.get(), name.c_str(), nullptr));
  }
  return topic;
}

rd_kafka_resp_err_t PlainProducer::produce(Topic& topic, std::int32_t partition, ByteView key,
                                           std::optional<ByteView> value,
                                           const RecordHeaders& headers, std::uint64_t tag) {
  auto* payload = value ? const_cast<std::byte*>(value->data()) : nullptr;
  const std::size_t size = value ? value->size() : 0;
  if (headers.empty()) {
    return rd_kafka_produce(topic.handle.get(), partition, RD_KAFKA_MSG_F_COPY, payload, size,
                            key.data(), key.size(), reinterpret_cast<void*>(tag)) == 0
               ? RD_KAFKA_RESP_ERR_NO_ERROR
               : rd_kafka_last_error();
  }
  rd_kafka_headers_t* list = rd_kafka_headers_new(headers.size());
  for (const auto& [name, bytes] : headers) {
    (void)rd_kafka_header_add(list, name.c_str(), -1, bytes ? bytes->data() : nullptr,
                              bytes ? static_cast<ssize_t>(bytes->size()) : 0);
  }
  const rd_kafka_resp_err_t code = rd_kafka_producev(
      client_.get(), RD_KAFKA_V_RKT(topic.handle.get()), RD_KAFKA_V_PARTITION(partition),
      RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.data(), key.size()),
      RD_KAFKA_V_VALUE(payload, size), RD_KAFKA_V_HEADERS(list),
      RD_KAFKA_V_OPAQUE(reinterpret_cast<void*>(tag)), RD_KAFKA_V_END);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    rd_kafka_headers_destroy(list);  // the producer takes them only with the record
  }
  return code;
}

Result<void> PlainProducer::send(const std::string& topic, std::int32_t partition, ByteView key,
                                 std::optional<ByteView> value, std::uint64_t tag) {
  return send(topic, partition, key, value, {}, tag);
}

Result<void> PlainProducer::send(const std::string& name, std::int32_t partition, ByteView key,
                                 std::optional<ByteView> value, const RecordHeaders& headers,
                                 std::uint64_t tag) {
  Topic& topic = topic_of(name);
  Way& way = topic.ways[partition];
  const std::int64_t now = monotonic_ms();
  if (way.open && way.held.empty() && now - way.last_ms >= stream::kProducerSilenceMsMax) {
    way.open = false;
  }
  way.last_ms = now;
  while (way.held.size() >= kHeldMost) {
    (void)rd_kafka_poll(client_.get(), kFullWaitMs);
    hand_over(topic, partition, way);
  }
  if (way.first_out || !way.held.empty()) {
    way.held.push_back(
        {to_bytes(key), value ? std::optional(to_bytes(*value)) : std::nullopt, headers, tag});
    ++held_;
    return {};
  }
  for (;;) {
    const rd_kafka_resp_err_t code = produce(topic, partition, key, value, headers, tag);
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      way.first_out = !way.open;
      return {};
    }
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return Unexpected(to_error(code, "send to " + name));
    }
    (void)rd_kafka_poll(client_.get(), kFullWaitMs);
  }
}

// As much of what waits as may go now: all of it, or one alone.
void PlainProducer::hand_over(Topic& topic, std::int32_t partition, Way& way) {
  while (!way.held.empty() && !way.first_out) {
    const Held& next = way.held.front();
    const auto value = next.value ? std::optional<ByteView>(*next.value) : std::nullopt;
    const rd_kafka_resp_err_t code =
        produce(topic, partition, next.key, value, next.headers, next.tag);
    if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return;  // the next report goes on
    }
    const std::uint64_t tag = next.tag;
    way.held.pop_front();
    --held_;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
      way.first_out = !way.open;
    } else {
      tell(code, rd_kafka_topic_name(topic.handle.get()), tag);
    }
  }
}

void PlainProducer::tell(rd_kafka_resp_err_t code, const std::string& topic, std::uint64_t tag) {
  Result<void> delivered;
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++delivered_;
  } else {
    const Error error = to_error(code, "delivery to " + topic);
    first_error_ = first_error_ ? first_error_ : error;
    delivered = Unexpected(error);
  }
  if (told_) {
    told_(tag, delivered);
  }
}

void PlainProducer::poll() { (void)rd_kafka_poll(client_.get(), 0); }

std::size_t PlainProducer::outstanding() const {
  return static_cast<std::size_t>(rd_kafka_outq_len(client_.get())) + held_;
}

Result<void> PlainProducer::flush(int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  rd_kafka_resp_err_t code = rd_kafka_flush(client_.get(), timeout_ms);
  while (held_ > 0 && monotonic_ms() < deadline) {
    code = rd_kafka_flush(client_.get(), static_cast<int>(deadline - monotonic_ms()));
  }
  code = held_ > 0 ? RD_KAFKA_RESP_ERR__TIMED_OUT : code;
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
  const std::string name = rd_kafka_topic_name(message->rkt);
  Topic& topic = self->topics_[name];
  Way& way = topic.ways[message->partition];
  if (way.first_out) {  // of one that failed, the next goes alone in its stead
    way.first_out = false;
    way.open = message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
  }
  self->tell(message->err, name, reinterpret_cast<std::uint64_t>(message->_private));
  self->hand_over(topic, message->partition, way);
}

}  // namespace kpay::kafka
