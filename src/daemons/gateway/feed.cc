#include "daemons/gateway/feed.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemons/tool/load_state.h"

namespace kpay::gateway {

namespace {

constexpr std::array<const char*, 3> kTopics{tool::kControlState, tool::kControlStatus, "metadata"};
constexpr std::size_t kReadAheadKilobytes = 4096;
constexpr int kPollMs = 100;

}  // namespace

Result<std::unique_ptr<Feed>> Feed::start(const tool::Reached& reached,
                                          std::function<void(const Error&)> failed) {
  std::unique_ptr<Feed> feed(new Feed());
  std::vector<tool::SweepPart> there;
  std::vector<tool::SweepPart> coming;
  for (const char* name : kTopics) {
    const std::string topic = reached.topic(name);
    const Result<stream::LogBounds> bounds =
        reached.reader->admin().bounds(topic, 0, tool::kAnswerMs);
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    there.push_back({topic, 0, bounds->begin, bounds->end});
    coming.push_back({topic, 0, bounds->end});
  }
  for (const bool first : {true, false}) {
    Result<std::unique_ptr<tool::Sweep>> sweep =
        tool::Sweep::start(reached.connection.client, first ? there : coming, kReadAheadKilobytes);
    if (!sweep) {
      return Unexpected(sweep.error());
    }
    feed->sweep_ = std::move(*sweep);
    if (first) {
      Result<void> read = feed->sweep_->run(
          [&](std::size_t part, const stream::LogRecord& record) { feed->take(part, record); });
      if (!read) {
        return Unexpected(read.error());
      }
    }
  }
  feed->thread_ = std::thread([raw = feed.get(), failed = std::move(failed)] { raw->run(failed); });
  return feed;
}

Feed::~Feed() {
  stopping_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Feed::run(const std::function<void(const Error&)>& failed) {
  while (!stopping_) {
    const Result<std::size_t> taken = sweep_->poll(
        kPollMs, [this](std::size_t part, const stream::LogRecord& record) { take(part, record); });
    if (!taken) {
      failed(taken.error());
      return;
    }
  }
}

void Feed::take(std::size_t part, const stream::LogRecord& record) {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string>& values = part == 0   ? seen_.state
                                               : part == 1 ? seen_.status
                                                           : seen_.metadata;
  const std::string key(as_text(record.key));
  if (record.value.empty()) {
    values.erase(key);
    return;
  }
  const std::string& value = values[key] = std::string(as_text(record.value));
  if (part == 1) {
    note_paces(seen_.paces, value);
  }
}

void note_paces(Paces& paces, const std::string& status) {
  const nlohmann::json json = nlohmann::json::parse(status, nullptr, false);
  if (!json.is_object() || !json.contains("tasks") || !json["tasks"].is_array() ||
      !json.contains("at_ms") || !json["at_ms"].is_number_integer()) {
    return;
  }
  const auto at_ms = std::max<std::int64_t>(0, json["at_ms"].get<std::int64_t>());
  for (const nlohmann::json& task : json["tasks"]) {
    const auto events = task.find("events");
    const auto partition = task.find("partition");
    const auto stage = task.find("stage");
    if (events == task.end() || !events->is_number_unsigned() || partition == task.end() ||
        !partition->is_number_unsigned() || stage == task.end() || !stage->is_string() ||
        !std::in_range<std::int32_t>(partition->get<std::uint64_t>())) {
      continue;
    }
    TaskPace& pace = paces[{stage->get<std::string>(), partition->get<std::int32_t>()}];
    const auto now = events->get<std::uint64_t>();
    const std::int64_t passed = at_ms - pace.at_ms;
    const bool follows = pace.at_ms > 0 && passed > 0 && now >= pace.events;
    pace.events_per_s =
        follows ? static_cast<double>(now - pace.events) * 1000 / static_cast<double>(passed) : 0;
    pace.at_ms = at_ms;
    pace.events = now;
  }
}

Seen Feed::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

std::map<std::string, std::string> Feed::metadata() const {
  const std::lock_guard lock(mutex_);
  return seen_.metadata;
}

std::string Feed::state_of(const std::string& key) const {
  const std::lock_guard lock(mutex_);
  const auto found = seen_.state.find(key);
  return found == seen_.state.end() ? std::string() : found->second;
}

}  // namespace kpay::gateway
