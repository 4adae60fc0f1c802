// Membership: this instance's place in a stage's consumer group, which only shares out partitions.
//
// Static membership with an eager assignor (R28, docs/decisions/0004). The group's own partitions
// are never read through: they stay paused, and the tasks read by exact offsets. Offsets are
// committed for people's tools and never used.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "kafka/client.h"

namespace kpay::kafka {

/// Threads: one, that polls. All callbacks come from poll() and close().
class Membership {
 public:
  struct Parts {
    ClientOptions client;
    std::string group;
    std::string instance;
    std::string topic;  ///< full name of the stage's input
    ClientEvents* events = nullptr;
    std::function<void(std::int32_t partition)> on_assigned;
    /// Returns when the partitions are released or dropped: they are given back afterwards.
    std::function<void(const std::vector<std::int32_t>& partitions)> on_revoked;
    /// Somebody else has them already.
    std::function<void(const std::vector<std::int32_t>& partitions)> on_lost;
    /// How many partitions the group gave, which may be none; nothing while it hasn't said.
    std::function<void(std::optional<std::size_t> count)> on_settled;
  };

  static Result<std::unique_ptr<Membership>> join(Parts parts);
  ~Membership();
  Membership(const Membership&) = delete;
  Membership& operator=(const Membership&) = delete;

  void poll(int timeout_ms);
  /// For people's tools: position is the next offset.
  void commit(const std::vector<std::pair<std::int32_t, std::int64_t>>& positions);
  /// Gives everything back. The group still knows a static member that only closes, until its
  /// session ends: a restart in that time moves nothing.
  void close();
  /// Gives everything back and tells the group, whose other members take over at once.
  void leave();

 private:
  explicit Membership(Parts parts) : parts_(std::move(parts)) {}
  static void on_rebalance(rd_kafka_t* client, rd_kafka_resp_err_t code,
                           rd_kafka_topic_partition_list_t* partitions, void* opaque);
  Result<void> subscribe();
  [[nodiscard]] bool is_member() const;
  void on_fenced();
  void rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions);

  Parts parts_;
  KafkaHandle client_;
  bool closed_ = false;
  bool leaving_ = false;
  std::optional<std::int64_t> fenced_ms_;  // when that was last
};

}  // namespace kpay::kafka
