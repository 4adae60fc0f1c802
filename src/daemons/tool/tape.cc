#include "daemons/tool/tape.h"

#include "base/time.h"

namespace kpay::tool {

namespace {

constexpr std::size_t kRecordsPerPoll = 1000;
constexpr int kWaitMs = 100;
constexpr std::size_t kTapesAtOnce = 8;  // about so many partitions a task is compared with

}  // namespace

Result<std::unique_ptr<TapeDeck>> TapeDeck::connect(const kafka::ClientOptions& options,
                                                    std::size_t read_ahead_kilobytes) {
  std::unique_ptr<TapeDeck> deck(new TapeDeck());
  Result<kafka::KafkaHandle> client =
      kafka::make_reading_client(options, deck->events_, read_ahead_kilobytes, kTapesAtOnce);
  if (!client) {
    return Unexpected(client.error());
  }
  deck->client_ = std::move(*client);
  return deck;
}

Tape::Tape(TapeDeck& deck, const std::string& topic, std::int32_t partition)
    : deck_(&deck),
      topic_(rd_kafka_topic_new(deck.client_.get(), topic.c_str(), nullptr)),
      reader_(deck.client_.get(), topic_.get(), partition, &deck.wake_) {}

Result<void> Tape::start(std::int64_t offset) {
  next_ = offset;
  return reader_.start(offset);
}

Result<void> Tape::read(std::int64_t end,
                        const std::function<bool(const stream::LogRecord&)>& taker, int stall_ms) {
  std::int64_t last_ms = monotonic_ms();
  bool more = true;
  while (more && next_ < end) {
    Result<std::size_t> got =
        reader_.poll(kRecordsPerPoll, 0, [&](const stream::LogRecord& record) {
          if (!more || record.offset >= end) {
            next_ = more ? end : next_;
            return false;
          }
          next_ = record.offset + 1;
          more = taker(record);
          return true;
        });
    if (!got) {
      return Unexpected(got.error());
    }
    if (*got > 0) {
      last_ms = monotonic_ms();
    } else if (more && next_ < end) {
      deck_->wake_.wait(kWaitMs);
      if (monotonic_ms() - last_ms > stall_ms) {
        return Unexpected(ErrorCode::unavailable,
                          "nothing came from the brokers for " + std::to_string(stall_ms) + " ms");
      }
    }
  }
  return {};
}

}  // namespace kpay::tool
