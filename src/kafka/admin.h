// Admin: questions and changes that go to the cluster as a whole. Every call waits for its answer,
// up to its time limit: never call it from a worker.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kafka/client.h"
#include "kafka/standbys.h"
#include "stream/task.h"

namespace kpay::kafka {

struct TopicInfo {
  std::string name;
  Uuid id;
  std::int32_t partitions = 0;
  std::int32_t replication = 0;
};

struct NewTopic {
  std::string name;
  std::int32_t partitions = 0;
  std::int32_t replication = 0;
  Settings settings;
};

/// Threads: any, one call at a time.
class Admin {
 public:
  static Result<std::unique_ptr<Admin>> connect(const ClientOptions& options);

  /// Errors: unavailable when no broker answers in time.
  Result<std::string> cluster_id(int timeout_ms);
  Result<int> brokers(int timeout_ms);
  /// The topics of `names` that exist.
  Result<std::vector<TopicInfo>> describe(const std::vector<std::string>& names, int timeout_ms);
  /// What this principal may do with a topic, or with a consumer group: "Read", "Write", ….
  /// Errors: refused, when it may not even describe it; not_found.
  Result<std::set<std::string>> topic_operations(const std::string& topic, int timeout_ms);
  Result<std::set<std::string>> group_operations(const std::string& group, int timeout_ms);
  /// The members of a consumer group and what each has of `topic`. Empty while it rebalances.
  Result<std::vector<GroupMember>> members(const std::string& group, const std::string& topic,
                                           int timeout_ms);
  /// Every setting of a topic, by name.
  Result<std::map<std::string, std::string>> settings(const std::string& topic, int timeout_ms);
  /// Every setting of one of the brokers, by name.
  Result<std::map<std::string, std::string>> broker_settings(int timeout_ms);
  Result<void> create(const std::vector<NewTopic>& topics, int timeout_ms);
  Result<void> change_settings(const std::string& topic, const Settings& settings, int timeout_ms);
  Result<stream::LogBounds> bounds(const std::string& topic, std::int32_t partition,
                                   int timeout_ms);
  /// The same of partitions 0 to `partitions` - 1, in two requests for all of them.
  Result<std::vector<stream::LogBounds>> bounds_of_all(const std::string& topic,
                                                       std::int32_t partitions, int timeout_ms);
  /// For each of them the offset of its first record that was appended at `time` or later; nothing
  /// where there is none.
  Result<std::vector<std::optional<std::int64_t>>> offsets_since(const std::string& topic,
                                                                 std::int32_t partitions,
                                                                 Timestamp time, int timeout_ms);
  Result<void> delete_before(const std::string& topic, std::int32_t partition, std::int64_t offset,
                             int timeout_ms);

 private:
  Admin() = default;

  Result<EventHandle> wait(rd_kafka_event_type_t type, int timeout_ms, const std::string& doing);
  Result<std::map<std::string, std::string>> settings_of(rd_kafka_ResourceType_t type,
                                                         const std::string& name, int timeout_ms);
  /// `spec` is a time in milliseconds, or one of librdkafka's RD_KAFKA_OFFSET_SPEC_….
  /// Asked again while a partition's leader changes, for as long.
  Result<std::vector<std::int64_t>> list_offsets(const std::string& topic, std::int32_t partitions,
                                                 std::int64_t spec, int timeout_ms);
  /// Once; `moves` says that a leader changed meanwhile.
  Result<std::vector<std::int64_t>> ask_offsets(const std::string& topic, std::int32_t partitions,
                                                std::int64_t spec, int timeout_ms, bool& moves);

  ClientEvents events_;
  std::string unreachable_;  ///< what the client said last of brokers that can't be reached
  KafkaHandle client_;
  QueueHandle queue_;
};

}  // namespace kpay::kafka
