#include "daemons/ctl/control.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>
#include <utility>

#include "base/time.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/missing_task.h"
#include "http/json_depth.h"
#include "kafka/plain_producer.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::json;

constexpr const char* kPipelineKey = "pipeline";
constexpr std::chrono::milliseconds kLook{200};
constexpr std::int64_t kLagMax = 1'000'000'000'000'000;  // more is nonsense; so many can be summed

// Discarded when it is none, or nested too deep to be looked at.
Json parsed(const std::string& json) {
  return http::is_shallow_json(json) ? Json::parse(json, nullptr, false)
                                     : Json(Json::value_t::discarded);
}

std::string text_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t number_in(const Json& json, const char* name, std::int64_t otherwise) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : otherwise;
}

bool truth_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_boolean() && found->get<bool>();
}

TaskView task_in(const Json& json) {
  const std::int64_t partition = number_in(json, "partition", -1);
  TaskView task;
  task.stage = text_in(json, "stage");
  task.partition =
      std::in_range<std::int32_t>(partition) ? static_cast<std::int32_t>(partition) : -1;
  task.phase = text_in(json, "phase");
  task.reason = text_in(json, "reason");
  task.position = number_in(json, "position", 0);
  task.end = number_in(json, "end", -1);
  task.lag = std::min(number_in(json, "lag", -1), kLagMax);
  task.checkpoint_position = number_in(json, "checkpoint_position", 0);
  task.state_hash = text_in(json, "state_hash");
  task.paused = truth_in(json, "paused");
  return task;
}

}  // namespace

bool InstanceView::stale(std::int64_t now_ms) const noexcept {
  return phase != "stopped" && at_ms < now_ms - kStaleMs;
}

std::string to_json(const PipelineState& state) {
  return nlohmann::ordered_json{{"desired", state.paused ? "paused" : "running"},
                                {"reason", state.reason},
                                {"owner", state.owner},
                                {"at_ms", state.at_ms}}
      .dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

std::optional<PipelineState> parse_pipeline(const std::string& json) {
  const Json value = parsed(json);
  if (!value.is_object()) {
    return std::nullopt;
  }
  return PipelineState{text_in(value, "desired") == "paused", text_in(value, "reason"),
                       text_in(value, "owner"), number_in(value, "at_ms", 0)};
}

std::optional<InstanceView> parse_status(const std::string& json) {
  const Json value = parsed(json);
  if (!value.is_object() || text_in(value, "instance").empty()) {
    return std::nullopt;
  }
  InstanceView view;
  view.instance = text_in(value, "instance");
  view.daemon = text_in(value, "daemon");
  view.phase = text_in(value, "phase");
  view.state = text_in(value, "state");
  view.at_ms = number_in(value, "at_ms", 0);
  view.paused = truth_in(value, "paused");
  const auto tasks = value.find("tasks");
  if (tasks != value.end() && tasks->is_array()) {
    for (const Json& task : *tasks) {
      if (task.is_object()) {
        view.tasks.push_back(task_in(task));
      }
    }
  }
  return view;
}

Result<PipelineState> read_pipeline(tool::Reached& reached) {
  Result<std::map<std::string, std::string>> values =
      read_compacted(*reached.reader, reached.connection.topic("control.state"));
  if (!values) {
    return Unexpected(values.error());
  }
  const auto found = values->find(kPipelineKey);
  if (found == values->end()) {
    return PipelineState{};
  }
  const std::optional<PipelineState> state = parse_pipeline(found->second);
  if (!state) {
    return Unexpected(ErrorCode::corrupt, "control.state: the pipeline's record can't be read");
  }
  return *state;
}

Result<std::vector<InstanceView>> read_instances(tool::Reached& reached) {
  Result<std::map<std::string, std::string>> values =
      read_compacted(*reached.reader, reached.connection.topic("control.status"));
  if (!values) {
    return Unexpected(values.error());
  }
  std::vector<InstanceView> instances;
  for (const auto& [id, json] : *values) {
    if (std::optional<InstanceView> view = parse_status(json)) {
      instances.push_back(std::move(*view));
    }
  }
  return instances;
}

Result<void> write_state(const tool::Reached& reached, const std::string& key,
                         const std::string& value) {
  Result<std::unique_ptr<kafka::PlainProducer>> producer =
      kafka::PlainProducer::connect(reached.connection.client);
  if (!producer) {
    return Unexpected(producer.error());
  }
  const auto bytes = value.empty() ? std::nullopt : std::optional<ByteView>(as_bytes(value));
  Result<void> sent =
      (*producer)->send(reached.topic("control.state"), 0, as_bytes(std::string_view(key)), bytes);
  return sent ? (*producer)->flush(tool::kAnswerMs) : sent;
}

Result<void> write_pipeline(const tool::Reached& reached, const PipelineState& state) {
  return write_state(reached, kPipelineKey, to_json(state));
}

Result<std::string> wait_for(std::int64_t deadline,
                             const std::function<Result<std::string>()>& missing) {
  while (true) {
    Result<std::string> what = missing();
    if (!what || what->empty() || monotonic_ms() >= deadline) {
      return what;
    }
    std::this_thread::sleep_for(kLook);
  }
}

std::string missing_tasks(const std::vector<InstanceView>& instances, const std::string& stage,
                          std::int32_t partitions, bool paused, std::int64_t now_ms) {
  std::string missing;
  for (std::int32_t partition = 0; partition < partitions; ++partition) {
    const std::string why = missing_task(instances, stage, partition, paused, now_ms);
    missing += (missing.empty() || why.empty() ? "" : ", ") + why;
  }
  return missing;
}

}  // namespace kpay::ctl
