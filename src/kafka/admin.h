// Admin: questions and changes that go to the cluster as a whole. Every call waits for its answer,
// up to its time limit: never call it from a worker.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "kafka/client.h"
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
  /// Every setting of a topic, by name.
  Result<std::map<std::string, std::string>> settings(const std::string& topic, int timeout_ms);
  Result<void> create(const std::vector<NewTopic>& topics, int timeout_ms);
  Result<void> change_settings(const std::string& topic, const Settings& settings, int timeout_ms);
  Result<stream::LogBounds> bounds(const std::string& topic, std::int32_t partition,
                                   int timeout_ms);
  Result<void> delete_before(const std::string& topic, std::int32_t partition, std::int64_t offset,
                             int timeout_ms);

 private:
  explicit Admin(KafkaHandle client)
      : client_(std::move(client)), queue_(rd_kafka_queue_new(client_.get())) {}

  Result<EventHandle> wait(rd_kafka_event_type_t type, int timeout_ms, const std::string& doing);

  KafkaHandle client_;
  QueueHandle queue_;
};

}  // namespace kpay::kafka
