#include "stream/topics.h"

#include <algorithm>

#include "base/check.h"

namespace kpay::stream {

std::vector<std::string> topics_of(const std::vector<StageSpec>& specs) {
  std::vector<std::string> names{std::string(kDeadLetterTopic)};
  for (const StageSpec& spec : specs) {
    names.push_back(spec.input);
    names.push_back(spec.changelog());
    for (const OutputSpec& output : spec.outputs) {
      names.push_back(output.topic);
    }
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

TopicTable::TopicTable(std::string prefix, std::vector<std::string> names)
    : prefix_(std::move(prefix)), names_(std::move(names)), ids_(names_.size()) {}

TopicIndex TopicTable::index_of(std::string_view name) const {
  const auto found = std::find(names_.begin(), names_.end(), name);
  check(found != names_.end(), "a topic that is asked for is in the table");
  return static_cast<TopicIndex>(found - names_.begin());
}

TaskTopics TopicTable::topics_for(const StageSpec& spec) const {
  TaskTopics topics;
  topics.input = index_of(spec.input);
  topics.changelog = index_of(spec.changelog());
  for (const OutputSpec& output : spec.outputs) {
    topics.outputs.push_back(index_of(output.topic));
  }
  topics.outputs.push_back(index_of(kDeadLetterTopic));
  return topics;
}

Identity TopicTable::identity_for(const StageSpec& spec, std::string cluster_id,
                                  std::int32_t partitions) const {
  const TaskTopics topics = topics_for(spec);
  Identity identity;
  identity.cluster_id = std::move(cluster_id);
  identity.partitions = partitions;
  identity.topic_ids = {ids_[topics.input], ids_[topics.changelog]};
  for (const TopicIndex output : topics.outputs) {
    identity.topic_ids.push_back(ids_[output]);
  }
  return identity;
}

}  // namespace kpay::stream
