// The topic plan: which topics there are, with which settings, and what differs from it.
//
// Pure: it asks no broker. kpayctl makes and checks the topics by it, and a daemon refuses to run
// where it is broken. docs/topics.md is the page.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stream/stage.h"

namespace kpay::topics {

struct TopicSizes {
  std::int32_t partitions = 12;
  std::int32_t replication = 3;
};

/// A topic as it should be, or as it is. Names have no prefix.
struct TopicShape {
  std::string name;
  std::int32_t partitions = 0;
  std::int32_t replication = 0;
  std::map<std::string, std::string> settings;
};

/// Every topic of the system, by name.
[[nodiscard]] std::vector<TopicShape> wanted_topics(const std::vector<stream::StageSpec>& specs,
                                                    const TopicSizes& sizes);

struct TopicDifference {
  enum class Kind {
    missing,      ///< to be created
    setting,      ///< to be changed
    partitions,   ///< can't be changed: the count is fixed for a generation of topics (R10)
    replication,  ///< isn't changed here: a reassignment is Kafka's own tool's work
  };
  Kind kind = Kind::missing;
  std::string topic;
  std::string what{};  ///< the setting's name
  std::string from{};
  std::string to{};
  bool breaks_contract = false;  ///< a setting with which no daemon may run (R3, R13, R20)

  [[nodiscard]] bool fixable() const noexcept {
    return kind == Kind::missing || kind == Kind::setting;
  }
};

/// In the order of `wanted`. Settings of `seen` that nobody asked for are left alone.
[[nodiscard]] std::vector<TopicDifference> differences(const std::vector<TopicShape>& wanted,
                                                       const std::vector<TopicShape>& seen);

/// What is wrong with a topic that a daemon of these stages uses, so that the daemon must not
/// start: the settings that break the contract, and what would be right. Empty when nothing is.
[[nodiscard]] std::string contract_fault(const std::vector<stream::StageSpec>& specs,
                                         const TopicShape& seen, const std::string& prefix);

[[nodiscard]] const char* to_string(TopicDifference::Kind kind) noexcept;
/// "kpay.payments.incoming: retention.ms 604800000 → -1"
[[nodiscard]] std::string describe(const TopicDifference& difference, const std::string& prefix);

}  // namespace kpay::topics
