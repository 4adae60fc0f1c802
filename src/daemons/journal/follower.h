// Follower: reads every topic for the auditor, tells what it says once a second on ops.audit, in
// metrics and in the log, and keeps the newest report.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "daemons/journal/kept_state.h"
#include "daemons/journal/queries.h"
#include "daemons/journal/report.h"
#include "daemons/service/status.h"
#include "daemons/tool/connection.h"
#include "kafka/partition_reader.h"
#include "kafka/plain_producer.h"
#include "telemetry/telemetry.h"

namespace kpay::journal {

struct FollowerParts {
  std::string instance;
  telemetry::Telemetry* telemetry = nullptr;       ///< outlives the follower
  std::function<void(const Error& error)> failed;  ///< it can't go on: a new start is needed
  std::string folder;  ///< where the auditor's state is kept; empty: nowhere
  QueryOptions query;
  daemons::InstanceStatus place;  ///< what metadata says of this process
};

/// One thread of its own, which owns the auditor. Threads: any.
class Follower {
 public:
  /// Finds out where every partition begins. Errors: not_found, unavailable.
  static Result<std::unique_ptr<Follower>> start(tool::Reached reached, FollowerParts parts);
  ~Follower();
  Follower(const Follower&) = delete;
  Follower& operator=(const Follower&) = delete;

  /// The newest; never null.
  [[nodiscard]] std::shared_ptr<const Report> report() const;
  /// The query side; never null.
  [[nodiscard]] std::shared_ptr<Queries> queries() const { return queries_; }

 private:
  struct Part {
    audit::Topic topic{};
    std::int32_t partition = 0;
    std::unique_ptr<kafka::PartitionReader> reader;
  };

  Follower(tool::Reached reached, FollowerParts parts)
      : reached_(std::move(reached)), parts_(std::move(parts)), state_(parts_.folder) {}

  using Bounds = std::vector<std::vector<stream::LogBounds>>;  // by topic and partition

  /// Topics whose whole past an auditor needs that has no state of its own.
  static bool needs_whole(audit::Topic topic) {
    return !audit::is_changelog(topic) && topic != audit::Topic::confirmed &&
           topic != audit::Topic::failed;
  }

  Result<void> open();
  Result<void> identify(audit::Auditor::Setup& setup);
  void take_up(audit::Auditor::Setup& setup, const Bounds& bounds);
  std::string catch_queries_up(audit::Auditor::Setup& setup, ByteView kept, const Bounds& bounds);
  [[nodiscard]] std::string misfit(const Bounds& bounds) const;
  void begin_part(audit::Topic topic, std::int32_t partition, const stream::LogBounds& bounds);
  Result<void> begin(const Bounds& bounds);
  void keep();
  void run();
  Result<std::size_t> read();
  Result<void> begin_again(Part& part);
  Result<void> ask_round();
  void tell();
  void tell_findings();
  void tell_metrics(const Report& report);
  Result<void> publish(const std::string& json);
  Result<void> announce(bool here);

  tool::Reached reached_;
  FollowerParts parts_;
  kafka::ClientEvents events_;
  kafka::Wake wake_;
  kafka::KafkaHandle client_;
  std::vector<kafka::TopicHandle> topics_;
  std::vector<Part> readers_;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::shared_ptr<Queries> queries_;  // outlives the auditor, which tells it what it sees
  std::unique_ptr<audit::Auditor> auditor_;
  std::string unproven_;
  KeptState state_;
  audit::KeptIdentity identity_;
  std::string set_aside_;  // why the kept state wasn't taken up; or empty
  bool taken_up_ = false;
  std::optional<audit::Offsets> kept_;  // where the state on the disk goes on
  std::uint64_t told_findings_ = 0;
  std::uint64_t counted_records_ = 0;
  std::array<std::uint64_t, audit::kFindingKinds> counted_findings_{};
  State told_state_ = State::catching_up;
  std::string published_;  // the cut of the last statement on ops.audit
  std::int64_t published_ms_ = 0;
  std::uint64_t keeps_ = 0;  // each is told at once: `topics trim` goes by what ops.audit says
  std::uint64_t published_keeps_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Report> report_;
  std::thread thread_;
};

}  // namespace kpay::journal
