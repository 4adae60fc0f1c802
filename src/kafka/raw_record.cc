#include "kafka/raw_record.h"

#include "kafka/partition_reader.h"

namespace kpay::kafka {

namespace {

using MessageHandle = std::unique_ptr<rd_kafka_message_t, Deleter<rd_kafka_message_destroy>>;

constexpr std::size_t kReadAheadKilobytes = 4096;
constexpr int kPollMs = 100;
constexpr std::int64_t kReadOnMax = 10'000;  // records between two that are wanted

std::optional<Bytes> bytes_of(const void* data, std::size_t size) {
  if (data == nullptr) {
    return std::nullopt;
  }
  const auto* first = static_cast<const std::byte*>(data);
  return Bytes(first, first + size);
}

RawRecord record_of(rd_kafka_message_t* message) {
  RawRecord record;
  record.appended = {rd_kafka_message_timestamp(message, nullptr)};
  record.key = bytes_of(message->key, message->key_len);
  record.value = bytes_of(message->payload, message->len);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    std::size_t size = 0;
    for (std::size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR;
         ++i) {
      record.headers.emplace_back(name, bytes_of(value, size));
    }
  }
  return record;
}

}  // namespace

Result<std::unique_ptr<RawReader>> RawReader::connect(const ClientOptions& options) {
  std::unique_ptr<RawReader> reader(new RawReader());
  Result<KafkaHandle> client =
      make_reading_client(options, reader->events_, kReadAheadKilobytes, 1);
  if (!client) {
    return Unexpected(client.error());
  }
  reader->client_ = std::move(*client);
  return reader;
}

Result<void> RawReader::read(const std::string& topic, std::int32_t partition,
                             const std::vector<std::int64_t>& offsets, int stall_ms,
                             const std::function<void(std::int64_t, RawRecord)>& taker) {
  const TopicHandle handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  std::size_t at = 0;
  while (at < offsets.size()) {
    if (rd_kafka_consume_start(handle.get(), partition, offsets[at]) != 0) {
      return Unexpected(to_error(rd_kafka_last_error(), "read " + topic));
    }
    Result<std::size_t> next = read_run(handle.get(), partition, offsets, at, stall_ms, taker);
    (void)rd_kafka_consume_stop(handle.get(), partition);
    if (!next) {
      return Unexpected(next.error());
    }
    at = *next;
  }
  return {};
}

// Reads on while the next one is near; gives the place in `offsets` to go on from.
Result<std::size_t> RawReader::read_run(rd_kafka_topic_t* topic, std::int32_t partition,
                                        const std::vector<std::int64_t>& offsets, std::size_t from,
                                        int stall_ms,
                                        const std::function<void(std::int64_t, RawRecord)>& taker) {
  std::size_t at = from;
  std::int64_t last_ms = monotonic_ms();
  while (at < offsets.size()) {
    const MessageHandle message(rd_kafka_consume(topic, partition, kPollMs));
    const rd_kafka_resp_err_t code = message ? message->err : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (code == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        code == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      return at + 1;  // trimmed
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      if (monotonic_ms() - last_ms > stall_ms) {
        return Unexpected(ErrorCode::unavailable, std::string(rd_kafka_topic_name(topic)) + "/" +
                                                      std::to_string(partition) +
                                                      ": nothing came at offset " +
                                                      std::to_string(offsets[at]));
      }
      continue;
    }
    last_ms = monotonic_ms();
    while (at < offsets.size() && offsets[at] < message->offset) {
      ++at;
    }
    if (at < offsets.size() && offsets[at] == message->offset) {
      taker(message->offset, record_of(message.get()));
      ++at;
    }
    if (at < offsets.size() && offsets[at] - message->offset > kReadOnMax) {
      return at;
    }
  }
  return at;
}

}  // namespace kpay::kafka
