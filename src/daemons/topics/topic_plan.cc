#include "daemons/topics/topic_plan.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "stages/specs.h"
#include "stream/topics.h"

namespace kpay::topics {

namespace {

using Settings = std::map<std::string, std::string>;

constexpr const char* kForGood = "-1";
constexpr const char* kSevenDays = "604800000";
// A record of payments.incoming may be larger than any legal command, so that intake can say so
// in a dead letter; frames, rows and dead letters are far below theirs.
constexpr const char* kIncomingBytesMax = "4194304";
constexpr const char* kRecordBytesMax = "2097152";
// Trimmed by DeleteRecords: only whole segments free their disk space.
constexpr const char* kTrimmedSegmentBytes = "268435456";
// A compacted topic's newest segment is never compacted.
constexpr const char* kCompactedSegmentMs = "3600000";

Settings common(const TopicSizes& sizes) {
  return {{"message.timestamp.type", "LogAppendTime"},
          {"min.insync.replicas", std::to_string(std::min(2, sizes.replication))},
          {"unclean.leader.election.enable", "false"},
          {"max.message.bytes", kRecordBytesMax}};
}

// R20: deleted by nobody but us, below what every reader has.
Settings kept(const TopicSizes& sizes) {
  Settings settings = common(sizes);
  settings.insert({{"cleanup.policy", "delete"},
                   {"retention.ms", kForGood},
                   {"retention.bytes", "-1"},
                   {"segment.bytes", kTrimmedSegmentBytes}});
  return settings;
}

Settings kept_for(const TopicSizes& sizes, const char* retention_ms) {
  Settings settings = common(sizes);
  settings.insert(
      {{"cleanup.policy", "delete"}, {"retention.ms", retention_ms}, {"retention.bytes", "-1"}});
  return settings;
}

Settings compacted(const TopicSizes& sizes) {
  Settings settings = common(sizes);
  settings.insert({{"cleanup.policy", "compact"}, {"segment.ms", kCompactedSegmentMs}});
  return settings;
}

// Empty is a broker that doesn't say.
std::int64_t number(const std::string& text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Event time is the log's own (R3); a legal record fits (R13); nothing that is yet to be read is
// deleted, and what was acknowledged stays (R20).
bool breaks_contract(const TopicShape& wanted, const std::string& setting, const std::string& now) {
  const auto retention = wanted.settings.find("retention.ms");
  const bool kept = retention != wanted.settings.end() && retention->second == kForGood;
  if (setting == "max.message.bytes") {
    return number(now) < number(wanted.settings.at(setting));
  }
  if (setting == "cleanup.policy" || setting == "retention.ms" || setting == "retention.bytes") {
    return kept;
  }
  return setting == "message.timestamp.type" || setting == "unclean.leader.election.enable";
}

const TopicShape* find(const std::vector<TopicShape>& topics, const std::string& name) {
  const auto found = std::find_if(topics.begin(), topics.end(),
                                  [&](const TopicShape& topic) { return topic.name == name; });
  return found == topics.end() ? nullptr : &*found;
}

void compare(const TopicShape& wanted, const TopicShape& seen, std::vector<TopicDifference>& out) {
  using Kind = TopicDifference::Kind;
  if (seen.partitions != wanted.partitions) {
    out.push_back({Kind::partitions, wanted.name, "partitions", std::to_string(seen.partitions),
                   std::to_string(wanted.partitions)});
  }
  if (seen.replication != wanted.replication) {
    out.push_back({Kind::replication, wanted.name, "replication", std::to_string(seen.replication),
                   std::to_string(wanted.replication)});
  }
  for (const auto& [name, value] : wanted.settings) {
    const auto found = seen.settings.find(name);
    const std::string now = found == seen.settings.end() ? "" : found->second;
    if (now != value) {
      out.push_back(
          {Kind::setting, wanted.name, name, now, value, breaks_contract(wanted, name, now)});
    }
  }
}

}  // namespace

std::vector<TopicShape> wanted_topics(const std::vector<stream::StageSpec>& specs,
                                      const TopicSizes& sizes) {
  std::set<std::string> trimmed{std::string(stream::kDeadLetterTopic)};
  for (const stream::StageSpec& spec : specs) {
    trimmed.insert(spec.input);
    trimmed.insert(spec.changelog());
  }
  std::vector<TopicShape> topics;
  const auto add = [&](const std::string& name, std::int32_t partitions, Settings settings) {
    topics.push_back({name, partitions, sizes.replication, std::move(settings)});
  };
  for (const std::string& name : stream::topics_of(specs)) {
    add(name, sizes.partitions, trimmed.contains(name) ? kept(sizes) : kept_for(sizes, kSevenDays));
    if (name == stages::kTopicIncoming) {
      topics.back().settings["max.message.bytes"] = kIncomingBytesMax;
    }
  }
  for (const char* name : {"ops.logs", "ops.errors", "ops.lineage"}) {
    add(name, sizes.partitions, kept_for(sizes, kSevenDays));
  }
  add("ops.audit", sizes.partitions, kept_for(sizes, kForGood));
  for (const char* name : {"control.state", "control.status", "metadata"}) {
    add(name, 1, compacted(sizes));
  }
  add("accounts.changes", sizes.partitions, compacted(sizes));
  std::sort(topics.begin(), topics.end(),
            [](const TopicShape& a, const TopicShape& b) { return a.name < b.name; });
  return topics;
}

std::vector<TopicDifference> differences(const std::vector<TopicShape>& wanted,
                                         const std::vector<TopicShape>& seen) {
  std::vector<TopicDifference> found;
  for (const TopicShape& topic : wanted) {
    if (const TopicShape* there = find(seen, topic.name)) {
      compare(topic, *there, found);
    } else {
      found.push_back({TopicDifference::Kind::missing, topic.name});
    }
  }
  return found;
}

std::string contract_fault(const std::vector<stream::StageSpec>& specs, const TopicShape& seen,
                           const std::string& prefix) {
  const std::vector<TopicShape> all = wanted_topics(specs, {seen.partitions, seen.replication});
  const TopicShape* wanted = find(all, seen.name);
  if (wanted == nullptr) {
    return {};
  }
  std::vector<TopicDifference> found;
  compare(*wanted, seen, found);
  std::string faults;
  for (const TopicDifference& each : found) {
    if (each.breaks_contract) {
      faults += (faults.empty() ? "" : ", ") + each.what + " is " +
                (each.from.empty() ? "not set" : each.from) + " and must be " +
                (each.what == "max.message.bytes" ? "at least " : "") + each.to;
    }
  }
  return faults.empty()
             ? faults
             : "topic " + prefix + seen.name + ": " + faults + "; `kpayctl topics apply` mends it";
}

const char* to_string(TopicDifference::Kind kind) noexcept {
  switch (kind) {
    case TopicDifference::Kind::missing: return "missing";
    case TopicDifference::Kind::setting: return "setting";
    case TopicDifference::Kind::partitions: return "partitions";
    case TopicDifference::Kind::replication: return "replication";
  }
  return "unknown";
}

std::string describe(const TopicDifference& difference, const std::string& prefix) {
  const std::string topic = prefix + difference.topic + ": ";
  if (difference.kind == TopicDifference::Kind::missing) {
    return topic + "to be created";
  }
  const std::string change = difference.what + " " +
                             (difference.from.empty() ? "(none)" : difference.from) + " → " +
                             difference.to;
  switch (difference.kind) {
    case TopicDifference::Kind::partitions:
      return topic + change + ": can't be changed, the count is fixed for a generation of topics";
    case TopicDifference::Kind::replication:
      return topic + change + ": not changed here, use Kafka's reassignment";
    default: return topic + change;
  }
}

}  // namespace kpay::topics
