#include "daemons/load/answers.h"

#include "stages/specs.h"

namespace kpay::load {

namespace {

constexpr std::size_t kReadAheadKilobytes = 65'536;
constexpr std::size_t kRecordsPerPoll = 512;

}  // namespace

Result<std::unique_ptr<AnswerReader>> AnswerReader::open(const Connection& connection,
                                                         const AnswerOffsets& from,
                                                         AnswerTakers takers) {
  std::unique_ptr<AnswerReader> answers(new AnswerReader());
  answers->takers_ = std::move(takers);
  Result<kafka::KafkaHandle> client =
      kafka::make_reading_client(connection.client, answers->events_, kReadAheadKilobytes);
  if (!client) {
    return Unexpected(client.error());
  }
  answers->client_ = std::move(*client);
  Result<void> started = answers->start(connection, stages::kTopicConfirmed, from.confirmed, false);
  started =
      started ? answers->start(connection, stages::kTopicFailed, from.failed, false) : started;
  started =
      started ? answers->start(connection, stages::kTopicComplete, from.complete, true) : started;
  if (!started) {
    return Unexpected(started.error());
  }
  return answers;
}

Result<void> AnswerReader::start(const Connection& connection, std::string_view topic,
                                 const std::vector<std::int64_t>& offsets, bool is_complete) {
  if (offsets.empty()) {
    return {};
  }
  topics_.emplace_back(rd_kafka_topic_new(client_.get(), connection.topic(topic).c_str(), nullptr));
  std::int32_t partition = 0;
  for (const std::int64_t offset : offsets) {
    Part part;
    part.is_complete = is_complete;
    part.reader = std::make_unique<kafka::PartitionReader>(client_.get(), topics_.back().get(),
                                                           partition++, &wake_);
    if (Result<void> started = part.reader->start(offset); !started) {
      return started;
    }
    parts_.push_back(std::move(part));
  }
  return {};
}

Result<std::size_t> AnswerReader::poll(int wait_ms) {
  std::size_t taken = 0;
  for (Part& part : parts_) {
    Result<std::size_t> got =
        part.reader->poll(kRecordsPerPoll, 0, [&](const stream::LogRecord& record) {
          part.is_complete ? take_frame(part, record.value) : take_result(part, record.value);
          return true;
        });
    if (!got) {
      return got;
    }
    taken += *got;
  }
  if (taken == 0 && wait_ms > 0) {
    wake_.wait(wait_ms);
  }
  return taken;
}

void AnswerReader::take_result(Part& part, ByteView value) {
  if (results_.decode(value, result_)) {
    ++unreadable_;
    return;
  }
  const auto [seen, first] = part.last.try_emplace(stream::SenderId{}, result_.number);
  if (first || result_.number > seen->second) {
    seen->second = result_.number;
    takers_.result(result_);
  }
}

void AnswerReader::take_frame(Part& part, ByteView value) {
  if (!stream::read_frame(value, frame_)) {
    return;  // a tick, or what the daemons put aside, too
  }
  const auto [seen, first] = part.last.try_emplace(frame_.sender, frame_.first - 1);
  std::uint64_t number = frame_.first;
  for (const stream::Frame::Item& item : frame_.events) {
    if (number > seen->second) {
      seen->second = number;
      if (outcomes_.decode(item.payload, outcome_)) {
        ++unreadable_;
      } else {
        takers_.outcome(outcome_);
      }
    }
    ++number;
  }
}

}  // namespace kpay::load
