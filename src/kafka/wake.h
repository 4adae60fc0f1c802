// Wake: lets one thread sleep until another, or librdkafka, has something for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>

#include "kafka/client.h"

namespace kpay::kafka {

/// Threads: signal() from any; wait() from one.
class Wake {
 public:
  void signal() {
    {
      const std::lock_guard lock(mutex_);
      if (signalled_) {
        return;
      }
      signalled_ = true;
    }
    condition_.notify_one();
  }

  /// Returns when signalled since the last return, or after `timeout_ms`.
  void wait(std::int64_t timeout_ms) {
    std::unique_lock lock(mutex_);
    condition_.wait_for(lock, std::chrono::milliseconds(timeout_ms), [this] { return signalled_; });
    signalled_ = false;
  }

  /// Signals whenever `queue` becomes non-empty. The wake must outlive the queue's events.
  void watch(rd_kafka_queue_t* queue) {
    rd_kafka_queue_cb_event_enable(
        queue, [](rd_kafka_t*, void* opaque) { static_cast<Wake*>(opaque)->signal(); }, this);
  }

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  bool signalled_ = false;
};

}  // namespace kpay::kafka
