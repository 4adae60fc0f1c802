#include "daemons/service/control.h"

#include <chrono>
#include <nlohmann/json.hpp>

#include "stages/specs.h"
#include "stream/override.h"
#include "stream/topics.h"

namespace kpay::daemons {

namespace {

constexpr const char* kStateTopic = "control.state";
constexpr const char* kStatusTopic = "control.status";
constexpr const char* kMetadataTopic = "metadata";
constexpr std::string_view kOverrideKey = "override/";
constexpr int kAnswerMs = 3000;
constexpr std::int64_t kLookUpAgainMs = 1000;
constexpr std::int64_t kPartitionsMost = 1024;  // as kafka.partitions
constexpr int kRetireMs = 3000;

}  // namespace

Result<std::unique_ptr<ControlPlane>> ControlPlane::open(
    Parts parts, const std::atomic<bool>& stopping,
    const std::function<void(const std::string&)>& say) {
  std::unique_ptr<ControlPlane> control(new ControlPlane(std::move(parts)));
  Result<std::unique_ptr<kafka::TopicReader>> reader =
      kafka::TopicReader::connect(control->parts_.client);
  if (!reader) {
    return Unexpected(reader.error());
  }
  control->reader_ = std::move(*reader);
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(control->parts_.client);
  if (!producer) {
    return Unexpected(producer.error());
  }
  control->producer_ = std::move(*producer);
  if (Result<void> read = control->read_to_end(stopping, say); !read) {
    return Unexpected(read.error());
  }
  control->thread_ = std::thread([raw = control.get()] { raw->follow(); });
  return control;
}

ControlPlane::~ControlPlane() {
  stopping_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

Result<void> ControlPlane::read_to_end(const std::atomic<bool>& stopping,
                                       const std::function<void(const std::string&)>& say) {
  const std::string topic = parts_.topic_prefix + kStateTopic;
  while (!stopping) {
    Result<stream::LogBounds> bounds = reader_->admin().bounds(topic, 0, kAnswerMs);
    if (bounds) {
      next_ = bounds->begin;
      Result<void> read = reader_->read(topic, {{0, bounds->begin, bounds->end}},
                                        [this](std::int32_t, const stream::LogRecord& record) {
                                          take(record);
                                          return true;
                                        });
      if (read) {
        look_up_overrides();
      }
      return read;
    }
    if (bounds.error().code == ErrorCode::refused) {
      return Unexpected(bounds.error());
    }
    say("waiting for " + parts_.client.bootstrap_servers + " and topic " + topic +
        " (`kpayctl topics apply` makes it): " + bounds.error().message);
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  return Unexpected(ErrorCode::unavailable, "stopped while waiting for " + topic);
}

void ControlPlane::take(const stream::LogRecord& record) {
  next_ = record.offset + 1;
  if (as_text(record.key).starts_with(kOverrideKey)) {
    take_override(record);
    return;
  }
  if (as_text(record.key) != "pipeline" || record.value.empty()) {
    return;
  }
  const nlohmann::json json = nlohmann::json::parse(as_text(record.value), nullptr, false);
  if (!json.is_object()) {
    return;  // whoever wrote it reads it back as unreadable; the pipeline stays as it is
  }
  const auto desired = json.find("desired");
  if (desired != json.end() && desired->is_string()) {
    parts_.on_pipeline(desired->get<std::string>() == "paused");
  }
}

// It only says where the answer stands: who may write here can't override anything.
void ControlPlane::take_override(const stream::LogRecord& record) {
  const nlohmann::json json = nlohmann::json::parse(as_text(record.value), nullptr, false);
  const auto number = [&json](const char* name) {
    const auto found = json.is_object() ? json.find(name) : json.end();
    return json.is_object() && found != json.end() && found->is_number_integer()
               ? found->get<std::int64_t>()
               : -1;
  };
  const std::int64_t partition = number("dlq_partition");
  const std::int64_t offset = number("dlq_offset");
  if (partition >= 0 && partition < kPartitionsMost && offset >= 0) {
    named_.push_back({static_cast<std::int32_t>(partition), offset, offset + 1});
  }
}

// R12, R23: only stages write to ops.dlq, and a task that reads from outside answers `done` to an
// override only when as many have signed it as it takes.
void ControlPlane::look_up_overrides() {
  if (named_.empty() || monotonic_ms() < look_up_ms_) {
    return;
  }
  look_up_ms_ = monotonic_ms() + kLookUpAgainMs;
  stream::Frame frame;
  const auto take = [&](std::int32_t, const stream::LogRecord& record) {
    if (!stream::read_frame(record.value, frame) || frame.sender.stage != stages::kIntake) {
      return true;
    }
    for (const stream::Frame::Item& item : frame.events) {
      const std::optional<stream::OperatorAnswer> answer =
          stream::decode_operator_answer(item.payload);
      if (answer && stream::override_of(*answer) && answer->record.lineage == frame.lineage) {
        parts_.on_override(*answer);
      }
    }
    return true;
  };
  std::erase_if(named_, [&](const kafka::PartitionRange& range) {
    const std::string topic = parts_.topic_prefix + std::string(stream::kDeadLetterTopic);
    const Result<void> read = reader_->read(topic, {range}, take, kAnswerMs);
    return read || read.error().code == ErrorCode::not_found;  // there is none, and never will be
  });
}

void ControlPlane::follow() {
  const std::string topic = parts_.topic_prefix + kStateTopic;
  while (!stopping_) {
    // An error here is a broker that is away or a trimmed log; both are cured by beginning again.
    (void)reader_->follow(topic, 0, next_, [this](const stream::LogRecord* record) {
      if (record != nullptr) {
        take(*record);
      } else {
        look_up_overrides();
      }
      return !stopping_;
    });
    if (!stopping_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(500));
      if (Result<stream::LogBounds> bounds = reader_->admin().bounds(topic, 0, kAnswerMs)) {
        next_ = std::max(next_, bounds->begin);
      }
    }
  }
}

void ControlPlane::publish(const InstanceStatus& status) {
  const ByteView key = as_bytes(status.instance);
  const std::string text = status_json(status);
  (void)producer_->send(parts_.topic_prefix + kStatusTopic, 0, key, as_bytes(text));
  InstanceStatus place = status;
  place.at = {};
  std::string metadata = metadata_json(place);
  if (metadata != metadata_) {
    metadata_ = std::move(metadata);
    const std::string now = metadata_json(status);
    (void)producer_->send(parts_.topic_prefix + kMetadataTopic, 0, key, as_bytes(now));
  }
  producer_->poll();
}

void ControlPlane::retire(const InstanceStatus& status) {
  const ByteView key = as_bytes(status.instance);
  const std::string text = status_json(status);
  (void)producer_->send(parts_.topic_prefix + kStatusTopic, 0, key, as_bytes(text));
  (void)producer_->send(parts_.topic_prefix + kMetadataTopic, 0, key, std::nullopt);
  (void)producer_->flush(kRetireMs);
}

}  // namespace kpay::daemons
