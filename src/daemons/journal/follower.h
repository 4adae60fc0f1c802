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

#include "daemons/journal/report.h"
#include "daemons/tool/connection.h"
#include "kafka/partition_reader.h"
#include "kafka/plain_producer.h"
#include "telemetry/telemetry.h"

namespace kpay::journal {

struct FollowerParts {
  std::string instance;
  telemetry::Telemetry* telemetry = nullptr;       ///< outlives the follower
  std::function<void(const Error& error)> failed;  ///< it can't go on: a new start is needed
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

 private:
  struct Part {
    audit::Topic topic{};
    std::int32_t partition = 0;
    std::unique_ptr<kafka::PartitionReader> reader;
  };

  Follower(tool::Reached reached, FollowerParts parts)
      : reached_(std::move(reached)), parts_(std::move(parts)) {}

  Result<void> open();
  Result<void> begin(const std::vector<std::vector<stream::LogBounds>>& bounds);
  void run();
  Result<std::size_t> read();
  Result<void> begin_again(Part& part);
  Result<void> ask_round();
  void tell();
  void tell_findings();
  void tell_metrics(const Report& report);
  Result<void> publish(const std::string& json);

  tool::Reached reached_;
  FollowerParts parts_;
  kafka::ClientEvents events_;
  kafka::Wake wake_;
  kafka::KafkaHandle client_;
  std::vector<kafka::TopicHandle> topics_;
  std::vector<Part> readers_;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::unique_ptr<audit::Auditor> auditor_;
  std::string unproven_;
  std::uint64_t told_findings_ = 0;
  std::uint64_t counted_records_ = 0;
  std::array<std::uint64_t, audit::kFindingKinds> counted_findings_{};
  State told_state_ = State::catching_up;
  std::string published_;  // the cut of the last statement on ops.audit
  std::int64_t published_ms_ = 0;
  std::atomic<bool> stopping_ = false;
  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<const Report> report_;
  std::thread thread_;
};

}  // namespace kpay::journal
