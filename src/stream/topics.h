// TopicTable: a daemon's topics, by index, with the ids that the cluster gave them (R19).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "stream/stage.h"
#include "stream/task.h"

namespace kpay::stream {

inline constexpr std::string_view kDeadLetterTopic = "ops.dlq";

/// Names without the prefix, each once: inputs, outputs, changelogs and ops.dlq of these stages.
[[nodiscard]] std::vector<std::string> topics_of(const std::vector<StageSpec>& specs);

class TopicTable {
 public:
  /// `names` without the prefix; the ids are set when they are known.
  TopicTable(std::string prefix, std::vector<std::string> names);

  [[nodiscard]] std::size_t size() const noexcept { return names_.size(); }
  [[nodiscard]] std::string full_name(TopicIndex topic) const { return prefix_ + names_[topic]; }
  [[nodiscard]] const std::string& name(TopicIndex topic) const { return names_[topic]; }
  void set_id(TopicIndex topic, const Uuid& id) { ids_[topic] = id; }
  [[nodiscard]] const Uuid& id(TopicIndex topic) const { return ids_[topic]; }

  /// REQUIRES: the name is one of the table.
  [[nodiscard]] TopicIndex index_of(std::string_view name) const;
  /// Where a stage's topics stand.
  [[nodiscard]] TaskTopics topics_for(const StageSpec& spec) const;
  /// A stage's identity, but for its lineage: ids of input, changelog, outputs and ops.dlq.
  [[nodiscard]] Identity identity_for(const StageSpec& spec, std::string cluster_id,
                                      std::int32_t partitions) const;

 private:
  std::string prefix_;
  std::vector<std::string> names_;
  std::vector<Uuid> ids_;
};

}  // namespace kpay::stream
