// Worker: one thread with its tasks, its producer and its outbox. A task lives on one worker from
// assignment to release, so it needs no lock and keeps one producer for life (R11).
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "kafka/admin.h"
#include "kafka/background.h"
#include "kafka/partition_reader.h"
#include "kafka/producer.h"
#include "stream/host.h"

namespace kpay::kafka {

/// Threads: post() and progress() from any; everything else is the worker's own.
class Worker {
 public:
  struct Parts {
    const std::vector<stream::StageSpec>* specs = nullptr;
    const stream::TopicTable* topics = nullptr;
    ClientOptions client;
    ClientEvents* events = nullptr;
    std::string cluster_id;
    std::int32_t partitions = 0;
    stream::TaskOptions task;
    stream::Host::StoreMaker make_store;
    stream::Host::NoticeSink notice;
    std::size_t records_per_turn = 512;
    std::size_t read_ahead_kilobytes = 65'536;
  };

  static Result<std::unique_ptr<Worker>> start(Parts parts);
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  /// Runs `work` on the worker's thread, between two turns.
  void post(std::function<void(stream::Host&)> work);
  /// The same for something that answers; the future is broken when the worker ends first.
  template <class T>
  std::future<T> ask(std::function<T(stream::Host&)> question) {
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> answer = promise->get_future();
    post([promise, question = std::move(question)](stream::Host& host) {
      promise->set_value(question(host));
    });
    return answer;
  }
  /// Turns made so far: a worker that hangs makes none (watchdog).
  [[nodiscard]] std::uint64_t turns() const noexcept {
    return turns_.load(std::memory_order_relaxed);
  }
  /// For reads of the stores: in order with their commits.
  [[nodiscard]] Background& store_thread() noexcept { return *stores_; }

 private:
  class Port;
  friend class Port;

  explicit Worker(Parts parts) : parts_(std::move(parts)) {}
  Result<void> connect();
  void run();
  bool run_posted();

  Parts parts_;
  Wake wake_;
  std::mutex mutex_;
  std::vector<std::function<void(stream::Host&)>> posted_;
  std::atomic<bool> stopping_ = false;
  std::atomic<std::uint64_t> turns_ = 0;

  /// A consumer, and its handle of each topic.
  struct Reading {
    KafkaHandle client;
    std::vector<TopicHandle> topics;
  };
  Result<void> connect(Reading& reading, stream::Pace pace);

  Reading prompt_;
  Reading relaxed_;  // changelogs, and the inputs that nobody waits for
  std::unique_ptr<Producer> producer_;
  std::unique_ptr<Admin> admin_;
  std::unique_ptr<stream::Outbox> outbox_;
  std::unique_ptr<stream::Host> host_;
  std::unique_ptr<Background> stores_ = std::make_unique<Background>();
  std::unique_ptr<Background> questions_ = std::make_unique<Background>();
  std::thread thread_;
};

}  // namespace kpay::kafka
