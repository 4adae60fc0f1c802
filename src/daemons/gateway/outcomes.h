// Outcomes: follows payments.complete from now on, tells those who wait for an id how it ended,
// and remembers the newest payments for the page.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/time.h"
#include "core/outcomes.h"
#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"
#include "stream/frame.h"
#include "wire/codec.h"

namespace kpay::gateway {

struct RecentPayment {
  core::PaymentOutcome outcome;
  Timestamp finished;
};

/// Threads: any.
class Outcomes {
 public:
  static Result<std::unique_ptr<Outcomes>> start(const tool::Reached& reached,
                                                 std::function<void(const Error&)> failed);
  ~Outcomes();
  Outcomes(const Outcomes&) = delete;
  Outcomes& operator=(const Outcomes&) = delete;

  /// Someone who waits for an id; register it BEFORE the command is sent.
  class Waiter {
   public:
    Waiter(Outcomes& outcomes, const Uuid& id);
    ~Waiter();
    Waiter(const Waiter&) = delete;
    Waiter& operator=(const Waiter&) = delete;

    /// The outcome, as soon as it is told; nothing when the time is over.
    [[nodiscard]] std::optional<core::Outcome> wait(std::chrono::milliseconds time);

   private:
    Outcomes& outcomes_;
    Uuid id_;
  };

  /// The newest payments that ended since the gateway started, newest first.
  [[nodiscard]] std::vector<RecentPayment> recent() const;

 private:
  struct Awaited {
    int waiters = 0;
    std::optional<core::Outcome> outcome;
  };

  Outcomes() = default;
  void run(const std::function<void(const Error&)>& failed);
  void take(const stream::LogRecord& record);
  [[nodiscard]] bool is_recent(const core::PaymentOutcome& outcome) const;

  std::unique_ptr<tool::Sweep> sweep_;
  stream::Frame frame_;
  wire::OutcomeCodec codec_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable told_;
  std::unordered_map<Uuid, Awaited> awaited_;
  std::deque<RecentPayment> recent_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace kpay::gateway
