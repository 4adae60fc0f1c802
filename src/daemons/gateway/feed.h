// Feed: follows control.state, control.status and metadata, and has the newest value of each key.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"

namespace kpay::gateway {

/// Where a task was when an instance last said so, and how fast it went since the time before.
struct TaskPace {
  std::int64_t at_ms = 0;
  std::uint64_t events = 0;
  double events_per_s = 0;
};

/// By stage and partition, of the instance that spoke last.
using Paces = std::map<std::pair<std::string, std::int32_t>, TaskPace>;
/// Takes what a record of control.status says; what is none says nothing.
void note_paces(Paces& paces, const std::string& status);

struct Seen {
  std::map<std::string, std::string> state;     ///< control.state, by key
  std::map<std::string, std::string> status;    ///< control.status, by instance
  std::map<std::string, std::string> metadata;  ///< by instance
  Paces paces;
};

/// Threads: any, but start() and stop() by their owner.
class Feed {
 public:
  /// Reads what is there to its end, then follows it on a thread of its own. `failed` is called
  /// when it can't go on.
  static Result<std::unique_ptr<Feed>> start(const tool::Reached& reached,
                                             std::function<void(const Error&)> failed);
  ~Feed();
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  [[nodiscard]] Seen seen() const;
  [[nodiscard]] std::map<std::string, std::string> metadata() const;
  /// The value of control.state's key; empty when there is none.
  [[nodiscard]] std::string state_of(const std::string& key) const;

 private:
  Feed() = default;
  void take(std::size_t part, const stream::LogRecord& record);
  void run(const std::function<void(const Error&)>& failed);

  mutable std::mutex mutex_;
  Seen seen_;
  std::unique_ptr<tool::Sweep> sweep_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace kpay::gateway
