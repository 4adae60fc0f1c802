// Submitter: puts commands of many requests on payments.incoming, by one thread and one producer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "core/commands.h"
#include "daemons/tool/connection.h"
#include "kafka/plain_producer.h"

namespace kpay::gateway {

/// Threads: any.
class Submitter {
 public:
  static Result<std::unique_ptr<Submitter>> start(const tool::Reached& reached);
  /// What is queued is still sent, for a moment.
  ~Submitter();
  Submitter(const Submitter&) = delete;
  Submitter& operator=(const Submitter&) = delete;

  /// Ready when the cluster has acknowledged the command, or can't have it any more. Errors:
  /// unavailable; then it may be there or not, and sending it again with the same id is right.
  [[nodiscard]] std::future<Result<void>> submit(const core::Command& command);
  /// The same for all of them, waited for. One result each, in order.
  [[nodiscard]] std::vector<Result<void>> submit_all(const std::vector<core::Command>& commands);
  /// submit(), waited for.
  [[nodiscard]] Result<void> submit_and_wait(const core::Command& command);

 private:
  struct Item {
    std::int32_t partition = 0;
    Bytes key;
    Bytes value;
    std::promise<Result<void>> done;
  };

  Submitter() = default;
  void run();
  void send(Item item);

  std::string topic_;
  std::int32_t partitions_ = 0;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::map<std::uint64_t, std::promise<Result<void>>> sent_;  // of run() alone
  std::uint64_t next_tag_ = 1;
  std::mutex mutex_;
  std::condition_variable more_;
  std::vector<Item> queue_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kpay::gateway
