#include "kafka/topic_reader.h"

#include "base/time.h"

namespace kpay::kafka {

namespace {

constexpr int kAnswerMs = 10'000;
constexpr std::size_t kRecordsPerPoll = 1000;
constexpr int kPollMs = 100;
constexpr std::size_t kReadAheadKilobytes = 65'536;

}  // namespace

Result<std::unique_ptr<TopicReader>> TopicReader::connect(const ClientOptions& options) {
  std::unique_ptr<TopicReader> reader(new TopicReader());
  Result<std::unique_ptr<Admin>> admin = Admin::connect(options);
  if (!admin) {
    return Unexpected(admin.error());
  }
  reader->admin_ = std::move(*admin);
  Result<KafkaHandle> client =
      make_reading_client(options, reader->events_, kReadAheadKilobytes, 1);
  if (!client) {
    return Unexpected(client.error());
  }
  reader->client_ = std::move(*client);
  return reader;
}

Result<std::vector<PartitionRange>> TopicReader::ranges(const std::string& topic,
                                                        std::int32_t partitions) {
  Result<std::vector<stream::LogBounds>> bounds =
      admin_->bounds_of_all(topic, partitions, kAnswerMs);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  std::vector<PartitionRange> ranges;
  for (const stream::LogBounds& each : *bounds) {
    ranges.push_back({static_cast<std::int32_t>(ranges.size()), each.begin, each.end});
  }
  return ranges;
}

Result<void> TopicReader::read(
    const std::string& topic, const std::vector<PartitionRange>& ranges,
    const std::function<bool(std::int32_t partition, const stream::LogRecord&)>& taker,
    int stall_ms) {
  const TopicHandle handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  bool go_on = true;
  for (const PartitionRange& range : ranges) {
    std::int64_t next = range.begin;
    std::int64_t last_ms = monotonic_ms();
    PartitionReader reader(client_.get(), handle.get(), range.partition, nullptr);
    if (next < range.end) {
      if (Result<void> started = reader.start(next); !started) {
        return started;
      }
    }
    while (go_on && next < range.end) {
      Result<std::size_t> taken =
          reader.poll(kRecordsPerPoll, kPollMs, [&](const stream::LogRecord& record) {
            next = record.offset + 1;
            go_on = go_on && (record.offset >= range.end || taker(range.partition, record));
            return true;
          });
      if (!taken) {
        return Unexpected(taken.error());
      }
      if (*taken > 0) {
        last_ms = monotonic_ms();
      } else if (monotonic_ms() - last_ms > stall_ms) {
        return Unexpected(ErrorCode::unavailable, topic + "/" + std::to_string(range.partition) +
                                                      ": nothing came at offset " +
                                                      std::to_string(next) + " for " +
                                                      std::to_string(stall_ms) + " ms");
      }
    }
  }
  return {};
}

Result<void> TopicReader::follow(const std::string& topic, std::int32_t partition,
                                 std::int64_t offset,
                                 const std::function<bool(const stream::LogRecord*)>& taker) {
  const TopicHandle handle(rd_kafka_topic_new(client_.get(), topic.c_str(), nullptr));
  PartitionReader reader(client_.get(), handle.get(), partition, nullptr);
  if (Result<void> started = reader.start(offset); !started) {
    return started;
  }
  bool go_on = true;
  while (go_on) {
    Result<std::size_t> taken =
        reader.poll(kRecordsPerPoll, kPollMs, [&](const stream::LogRecord& record) {
          go_on = go_on && taker(&record);
          return true;
        });
    if (!taken) {
      return Unexpected(taken.error());
    }
    if (*taken == 0) {
      go_on = go_on && taker(nullptr);
    }
  }
  return {};
}

}  // namespace kpay::kafka
