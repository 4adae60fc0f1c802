#include "daemons/tool/sweep.h"

#include <map>

#include "base/time.h"
#include "daemons/tool/connection.h"

namespace kpay::tool {

namespace {

constexpr std::size_t kRecordsPerPoll = 1000;
constexpr int kWaitMs = 100;

}  // namespace

Result<std::unique_ptr<Sweep>> Sweep::start(const kafka::ClientOptions& options,
                                            std::vector<SweepPart> parts,
                                            std::size_t read_ahead_kilobytes) {
  std::unique_ptr<Sweep> sweep(new Sweep());
  Result<kafka::KafkaHandle> client =
      kafka::make_reading_client(options, sweep->events_, read_ahead_kilobytes, parts.size());
  if (!client) {
    return Unexpected(client.error());
  }
  sweep->client_ = std::move(*client);
  sweep->parts_ = std::move(parts);
  std::map<std::string, rd_kafka_topic_t*> topics;
  for (const SweepPart& part : sweep->parts_) {
    rd_kafka_topic_t*& topic = topics[part.topic];
    if (topic == nullptr) {
      topic = rd_kafka_topic_new(sweep->client_.get(), part.topic.c_str(), nullptr);
      sweep->topics_.emplace_back(topic);
    }
    auto reader = std::make_unique<kafka::PartitionReader>(sweep->client_.get(), topic,
                                                           part.partition, &sweep->wake_);
    if (part.end == SweepPart::kNoEnd || part.begin < part.end) {
      if (Result<void> started = reader->start(part.begin); !started) {
        return Unexpected(started.error());
      }
    }
    sweep->readers_.push_back(std::move(reader));
    sweep->topic_of_.push_back(topic);
    sweep->next_.push_back(part.begin);
  }
  return sweep;
}

Result<std::size_t> Sweep::poll(
    int wait_ms, const std::function<void(std::size_t, const stream::LogRecord&)>& taker) {
  std::size_t taken = 0;
  for (std::size_t i = 0; i < readers_.size(); ++i) {
    const std::int64_t end = parts_[i].end;
    if (!readers_[i]->is_reading()) {
      continue;
    }
    Result<std::size_t> got =
        readers_[i]->poll(kRecordsPerPoll, 0, [&](const stream::LogRecord& record) {
          next_[i] = record.offset + 1;
          if (end == SweepPart::kNoEnd || record.offset < end) {
            taker(i, record);
          }
          return true;
        });
    if (!got && got.error().code == ErrorCode::not_found && reset_) {
      if (Result<void> again = start_again(i); !again) {
        return Unexpected(again.error());
      }
      continue;
    }
    if (!got) {
      return got;
    }
    taken += *got;
    if (end != SweepPart::kNoEnd && next_[i] >= end) {
      readers_[i]->stop();
    }
  }
  if (taken == 0 && !done()) {
    wake_.wait(wait_ms);
  }
  return taken;
}

Result<void> Sweep::start_again(std::size_t part) {
  SweepPart& what = parts_[part];
  std::int64_t begin = 0;
  std::int64_t end = 0;
  const rd_kafka_resp_err_t asked = rd_kafka_query_watermark_offsets(
      client_.get(), what.topic.c_str(), what.partition, &begin, &end, kAnswerMs);
  if (asked != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(ErrorCode::unavailable,
                      what.topic + "/" + std::to_string(what.partition) +
                          ": its beginning can't be asked for: " + rd_kafka_err2str(asked));
  }
  what.begin = begin;
  if (what.end != SweepPart::kNoEnd) {
    what.end = end;
  }
  next_[part] = begin;
  reset_(part);
  return begin < end || what.end == SweepPart::kNoEnd ? readers_[part]->start(begin)
                                                      : Result<void>();
}

Result<void> Sweep::run(const std::function<void(std::size_t, const stream::LogRecord&)>& taker,
                        int stall_ms) {
  std::int64_t last_ms = monotonic_ms();
  while (!done()) {
    const Result<std::size_t> taken = poll(kWaitMs, taker);
    if (!taken) {
      return Unexpected(taken.error());
    }
    if (*taken > 0) {
      last_ms = monotonic_ms();
    } else if (monotonic_ms() - last_ms > stall_ms) {
      return Unexpected(ErrorCode::unavailable,
                        "nothing came from the brokers for " + std::to_string(stall_ms) + " ms");
    }
  }
  return {};
}

bool Sweep::done() const {
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    if (parts_[i].end == SweepPart::kNoEnd || next_[i] < parts_[i].end) {
      return false;
    }
  }
  return true;
}

}  // namespace kpay::tool
