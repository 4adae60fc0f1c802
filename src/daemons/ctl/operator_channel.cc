#include "daemons/ctl/operator_channel.h"

#include "base/time.h"
#include "http/json.h"
#include "stages/specs.h"
#include "stream/changelog.h"
#include "stream/override.h"
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

Result<std::unique_ptr<OperatorChannel>> OperatorChannel::open(const tool::Reached& reached,
                                                               ChannelOptions options) {
  std::unique_ptr<OperatorChannel> channel(new OperatorChannel());
  channel->topic_ = reached.topic(stages::kTopicIncoming);
  channel->proposal_.topic = channel->topic_;
  channel->state_topic_ = reached.topic("control.state");
  channel->author_ = std::move(options.author);
  channel->propose_ = options.signing.propose;
  Result<std::vector<SigningKey>> keys = read_keys(options.signing.keys);
  if (!keys) {
    return Unexpected(keys.error());
  }
  channel->keys_ = std::move(*keys);
  Result<Uuid> lineage = options.lineage ? Result<Uuid>(*options.lineage) : read_lineage(reached);
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
  record.author = author_.substr(0, stream::kOperatorNameMax);
  record.reason = reason.substr(0, stream::kOperatorReasonMax);
  return record;
}

Result<void> OperatorChannel::send(const stream::OperatorRecord& record, std::int32_t via,
                                   const kafka::RecordHeaders& headers) {
  const Bytes bytes = encode(keys_.empty() ? record : signed_by(record, keys_));
  if (!propose_.empty()) {
    proposal_.records.push_back({via, to_bytes(record.id.view()), bytes, headers});
    return {};
  }
  waiting_.insert(record.id);
  return producer_->send(topic_, via, record.id.view(), ByteView(bytes), headers);
}

Result<void> OperatorChannel::send_client_record(std::int32_t partition, ByteView key,
                                                 ByteView value,
                                                 const kafka::RecordHeaders& headers) {
  if (!propose_.empty()) {
    proposal_.records.push_back({partition, to_bytes(key), to_bytes(value), headers});
    return {};
  }
  Result<void> sent = producer_->send(topic_, partition, key, value, headers);
  return sent ? producer_->flush(kFlushMs) : sent;
}

Result<void> OperatorChannel::flush() {
  return propose_.empty() ? producer_->flush(kFlushMs) : write_proposal(propose_, proposal_);
}

Result<Answer> OperatorChannel::carry_out(
    const std::string& effect,
    const std::vector<std::pair<stream::OperatorRecord, std::int32_t>>& records, int timeout_ms) {
  for (const auto& [record, via] : records) {
    if (Result<void> sent = send(record, via); !sent) {
      return Unexpected(sent.error());
    }
  }
  if (Result<void> sent = flush(); !sent) {
    return Unexpected(sent.error());
  }
  if (std::optional<Answer> only_proposed = proposed()) {
    return *only_proposed;
  }
  if (Result<bool> ended = wait(timeout_ms); !ended) {
    return Unexpected(ended.error());
  }
  return verdicts_answer(effect, records.size(), answers_);
}

std::optional<Answer> OperatorChannel::proposed() const {
  if (propose_.empty()) {
    return std::nullopt;
  }
  const std::size_t count = proposal_.records.size();
  const auto json = http::JsonObject()
                        .add("changed", false)
                        .add("proposed", propose_)
                        .add("records", static_cast<std::uint64_t>(count))
                        .add("signatures", static_cast<std::uint64_t>(keys_.size()))
                        .finish();
  return Answer{json, std::to_string(count) + " records stand in " + propose_ + ", with " +
                          std::to_string(keys_.size()) +
                          " signatures; nothing was sent. `kpayctl proposals` shows, signs and "
                          "sends them\n"};
}

void OperatorChannel::take(std::int32_t partition, const stream::LogRecord& record) {
  if (!stream::read_frame(record.value, frame_) || frame_.lineage != lineage_) {
    return;
  }
  for (const stream::Frame::Item& item : frame_.events) {
    std::optional<stream::OperatorAnswer> answer = stream::decode_operator_answer(item.payload);
    if (!answer) {
      continue;
    }
    const Uuid id = answer->record.id;
    if (waiting_.erase(id) > 0 && stream::override_of(*answer) && announced_) {
      announced_ = announce(*answer, partition, record.offset);
    }
    const auto known = answers_.find(id);
    if (known == answers_.end() || known->second.verdict != stream::OperatorVerdict::done) {
      answers_.insert_or_assign(id, std::move(*answer));
    }
  }
}

Result<void> OperatorChannel::announce(const stream::OperatorAnswer& answer, std::int32_t partition,
                                       std::int64_t offset) {
  const stream::OperatorRecord& record = answer.record;
  const std::string key = "override/" + std::to_string(record.stage) + "/" +
                          std::to_string(record.partition) + "/" +
                          std::to_string(stream::overridden_offset(answer));
  const std::string value = http::JsonObject()
                                .add("id", to_string(record.id))
                                .add("dlq_partition", partition)
                                .add("dlq_offset", offset)
                                .add("owner", record.author)
                                .add("reason", record.reason)
                                .add("at_ms", wall_clock_now().ms)
                                .finish();
  Result<void> sent = producer_->send(state_topic_, 0, as_bytes(key), as_bytes(value));
  return sent ? producer_->flush(kFlushMs) : sent;
}

Result<bool> OperatorChannel::wait(int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  while (!waiting_.empty()) {
    if (monotonic_ms() >= deadline) {
      return false;
    }
    Result<std::size_t> taken =
        sweep_->poll(kPollMs, [this](std::size_t part, const stream::LogRecord& record) {
          take(sweep_->parts()[part].partition, record);
        });
    if (!taken || !announced_) {
      return Unexpected(!taken ? taken.error() : announced_.error());
    }
  }
  return true;
}

Answer verdicts_answer(const std::string& effect, std::size_t sent,
                       const std::map<Uuid, stream::OperatorAnswer>& answers) {
  std::map<std::string, std::uint64_t> counts;
  for (const auto& [id, answer] : answers) {
    ++counts[std::string(to_string(answer.verdict))];
  }
  const std::uint64_t unanswered = sent - std::min(sent, answers.size());
  Answer said;
  http::JsonObject json;
  json.add("changed", counts.contains("done")).add("sent", std::uint64_t{sent});
  for (const auto& [verdict, count] : counts) {
    json.add(verdict, count);
    said.text += (said.text.empty() ? "" : ", ") + verdict + " " + std::to_string(count);
  }
  said.json = json.add("unanswered", unanswered).finish();
  said.text = effect + ": " + (said.text.empty() ? "no answer" : said.text) + "\n";
  said.note = counts.contains("not_signed") ? kNotSigned : "";
  if (unanswered > 0) {
    said.note +=
        std::to_string(unanswered) +
        " were sent and not answered in time; what was sent stands. Intake may be paused\n";
  }
  said.exit = unanswered > 0             ? tool::Exit::timed_out
              : !counts.contains("done") ? tool::Exit::refused
              : counts["done"] < sent    ? tool::Exit::partial
                                         : tool::Exit::ok;
  return said;
}

}  // namespace kpay::ctl
