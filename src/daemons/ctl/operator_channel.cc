#include "daemons/ctl/operator_channel.h"

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "stages/specs.h"
#include "stream/changelog.h"
#include "stream/topics.h"

namespace kpay::ctl {

namespace {

constexpr int kFlushMs = 60'000;
constexpr int kPollMs = 50;

// The first record of any changelog names the lineage (R19).
Result<Uuid> read_lineage(const tool::Reached& reached) {
  const std::string topic = reached.topic(stages::intake_spec().changelog());
  Result<stream::LogBounds> bounds = reached.reader->admin().bounds(topic, 0, tool::kAnswerMs);
  if (!bounds) {
    return Unexpected(bounds.error());
  }
  std::optional<Uuid> lineage;
  Result<void> read = reached.reader->read(
      topic, {{0, bounds->begin, bounds->end}}, [&](std::int32_t, const stream::LogRecord& record) {
        const auto decoded = stream::decode_changelog(record.value);
        if (const auto* open = decoded ? std::get_if<stream::OpenMarker>(&*decoded) : nullptr) {
          lineage = open->identity.lineage;
        }
        return false;
      });
  if (!read) {
    return Unexpected(read.error());
  }
  if (!lineage) {
    return Unexpected(ErrorCode::corrupt,
                      topic + "/0 begins with neither genesis nor an open marker");
  }
  return *lineage;
}

Result<std::map<std::uint16_t, Uuid>> read_inputs(const tool::Reached& reached) {
  std::map<std::uint16_t, Uuid> inputs;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    Result<std::vector<kafka::TopicInfo>> infos =
        reached.reader->admin().describe({reached.topic(spec.input)}, tool::kAnswerMs);
    if (!infos) {
      return Unexpected(infos.error());
    }
    if (infos->empty()) {
      return Unexpected(ErrorCode::not_found, "topic " + reached.topic(spec.input));
    }
    inputs[spec.number] = infos->front().id;
  }
  return inputs;
}

Result<std::unique_ptr<tool::Sweep>> from_now_on(const tool::Reached& reached) {
  Result<std::vector<std::int64_t>> ends = reached.ends(stream::kDeadLetterTopic);
  if (!ends) {
    return Unexpected(ends.error());
  }
  std::vector<tool::SweepPart> parts;
  for (std::size_t p = 0; p < ends->size(); ++p) {
    parts.push_back(
        {reached.topic(stream::kDeadLetterTopic), static_cast<std::int32_t>(p), (*ends)[p]});
  }
  return tool::Sweep::start(reached.connection.client, std::move(parts));
}

}  // namespace

Result<std::unique_ptr<OperatorChannel>> OperatorChannel::open(const tool::Reached& reached) {
  std::unique_ptr<OperatorChannel> channel(new OperatorChannel());
  channel->topic_ = reached.topic(stages::kTopicIncoming);
  Result<Uuid> lineage = read_lineage(reached);
  if (!lineage) {
    return Unexpected(lineage.error());
  }
  channel->lineage_ = *lineage;
  Result<std::map<std::uint16_t, Uuid>> inputs = read_inputs(reached);
  if (!inputs) {
    return Unexpected(inputs.error());
  }
  channel->inputs_ = std::move(*inputs);
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(reached.connection.client);
  if (!producer) {
    return Unexpected(producer.error());
  }
  channel->producer_ = std::move(*producer);
  Result<std::unique_ptr<tool::Sweep>> sweep = from_now_on(reached);
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  channel->sweep_ = std::move(*sweep);
  return channel;
}

stream::OperatorRecord OperatorChannel::record_for(std::uint16_t stage, std::int32_t partition,
                                                   const Uuid& id,
                                                   const std::string& reason) const {
  stream::OperatorRecord record;
  record.lineage = lineage_;
  record.topic_id = inputs_.at(stage);
  record.stage = stage;
  record.partition = partition;
  record.id = id;
  record.author = operator_name().substr(0, stream::kOperatorNameMax);
  record.reason = reason.substr(0, stream::kOperatorReasonMax);
  return record;
}

Result<void> OperatorChannel::send(const stream::OperatorRecord& record, std::int32_t via,
                                   const kafka::RecordHeaders& headers) {
  waiting_.insert(record.id);
  return producer_->send(topic_, via, record.id.view(), ByteView(encode(record)), headers);
}

Result<void> OperatorChannel::send_client_record(std::int32_t partition, ByteView key,
                                                 ByteView value,
                                                 const kafka::RecordHeaders& headers) {
  Result<void> sent = producer_->send(topic_, partition, key, value, headers);
  return sent ? producer_->flush(kFlushMs) : sent;
}

Result<void> OperatorChannel::flush() { return producer_->flush(kFlushMs); }

void OperatorChannel::take(const stream::LogRecord& record) {
  if (!stream::read_frame(record.value, frame_) || frame_.lineage != lineage_) {
    return;
  }
  for (const stream::Frame::Item& item : frame_.events) {
    std::optional<stream::OperatorAnswer> answer = stream::decode_operator_answer(item.payload);
    if (!answer) {
      continue;
    }
    const Uuid id = answer->record.id;
    waiting_.erase(id);
    const auto known = answers_.find(id);
    if (known == answers_.end() || known->second.verdict != stream::OperatorVerdict::done) {
      answers_.insert_or_assign(id, std::move(*answer));
    }
  }
}

Result<bool> OperatorChannel::wait(int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  while (!waiting_.empty()) {
    if (monotonic_ms() >= deadline) {
      return false;
    }
    Result<std::size_t> taken = sweep_->poll(
        kPollMs, [this](std::size_t, const stream::LogRecord& record) { take(record); });
    if (!taken) {
      return Unexpected(taken.error());
    }
  }
  return true;
}

}  // namespace kpay::ctl
