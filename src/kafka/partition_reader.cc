#include "kafka/partition_reader.h"

#include <algorithm>

namespace kpay::kafka {

namespace {

constexpr std::size_t kPartitionKilobytesMin = 512;
constexpr std::size_t kFetchBytesMax = 4'194'304;

}  // namespace

// The client's own bound is for each partition's queue, because each has one of its own.
Result<KafkaHandle> make_reading_client(const ClientOptions& options, ClientEvents& events,
                                        std::size_t queue_kilobytes, std::size_t partitions,
                                        stream::Pace pace) {
  const bool prompt = pace == stream::Pace::prompt;
  const std::size_t each =
      std::max(kPartitionKilobytesMin, queue_kilobytes / std::max<std::size_t>(1, partitions));
  ClientBuilder builder(options);
  watch(builder, events);
  builder.set("auto.offset.reset", "error")
      .set("enable.auto.commit", "false")
      .set("enable.partition.eof", "false")
      .set("check.crcs", "true")
      .set("fetch.wait.max.ms", prompt ? "100" : "50")
      .set("fetch.min.bytes", prompt ? "1" : "131072")
      .set("fetch.queue.backoff.ms", "2")
      .set("fetch.error.backoff.ms", "100")
      .set("fetch.message.max.bytes", std::to_string(std::min(kFetchBytesMax, each << 10U)))
      .set("queued.min.messages", "1000000")
      .set("queued.max.messages.kbytes", std::to_string(each));
  return builder.make(RD_KAFKA_CONSUMER);
}

Result<void> PartitionReader::start(std::int64_t offset) {
  stop();
  QueueHandle queue(rd_kafka_queue_new(client_));
  if (wake_ != nullptr) {
    wake_->watch(queue.get());
  }
  if (rd_kafka_consume_start_queue(topic_, partition_, offset, queue.get()) != 0) {
    return Unexpected(
        to_error(rd_kafka_last_error(), std::string("read ") + rd_kafka_topic_name(topic_)));
  }
  queue_ = std::move(queue);
  return {};
}

void PartitionReader::drop_held() {
  for (; next_ < count_; ++next_) {
    rd_kafka_message_destroy(held_[next_]);
  }
  count_ = 0;
  next_ = 0;
}

void PartitionReader::stop() {
  ++reading_;
  drop_held();
  if (queue_) {
    (void)rd_kafka_consume_stop(topic_, partition_);
    rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
    queue_.reset();
  }
}

Result<std::size_t> PartitionReader::poll(
    std::size_t most, int timeout_ms, const std::function<bool(const stream::LogRecord&)>& taker) {
  if (!queue_) {
    return std::size_t{0};
  }
  if (next_ == count_) {
    held_.resize(std::max(held_.size(), most));
    next_ = 0;
    const ssize_t got = rd_kafka_consume_batch_queue(queue_.get(), timeout_ms, held_.data(), most);
    count_ = got > 0 ? static_cast<std::size_t>(got) : 0;
  }
  std::size_t taken = 0;
  while (queue_ && next_ < count_) {
    rd_kafka_message_t* message = held_[next_];
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++next_;
      const rd_kafka_resp_err_t code = message->err;
      const char* text = rd_kafka_message_errstr(message);
      Error error = to_error(code, std::string(rd_kafka_topic_name(topic_)) + "/" +
                                       std::to_string(partition_) +
                                       (text == nullptr ? "" : std::string(" ") + text));
      rd_kafka_message_destroy(message);
      if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
          code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
        error.code = ErrorCode::not_found;
        return Unexpected(error);
      }
      continue;  // the client goes on by itself: a broker that is away, a leader that moved
    }
    const stream::LogRecord record{
        message->offset, Timestamp{rd_kafka_message_timestamp(message, nullptr)},
        ByteView(static_cast<const std::byte*>(message->key), message->key_len),
        ByteView(static_cast<const std::byte*>(message->payload), message->len)};
    // Taken out before the call: the taker may stop or restart this reader, and the record's bytes
    // have to outlive that.
    ++next_;
    const std::uint64_t reading = reading_;
    const bool took = taker(record);
    if (!took && reading == reading_) {
      --next_;
      break;
    }
    rd_kafka_message_destroy(message);
    ++taken;
  }
  return taken;
}

}  // namespace kpay::kafka
