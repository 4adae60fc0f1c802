// Watcher: looks at the whole system each second, and says what it sees to everybody who listens.
//
// Three threads: one asks the tables for totals, one sums the accounts for the books, and one puts
// what is known together each second; so a daemon that hangs makes its part old, not the others.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemons/gateway/audits.h"
#include "daemons/gateway/view.h"
#include "http/broadcaster.h"

namespace kpay::gateway {

struct WatcherParts {
  const Feed* feed = nullptr;
  const Audits* audits = nullptr;
  ctl::HttpFlags http;  ///< how daemons are asked
  std::int32_t partitions = 0;
  http::Broadcaster* broadcaster = nullptr;
};

/// Threads: any.
class Watcher {
 public:
  explicit Watcher(WatcherParts parts);
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

  /// The newest snapshot, as /api/v1/events sends it; empty before the first.
  [[nodiscard]] std::string snapshot() const;
  /// The last minutes, a point each second: a JSON array.
  [[nodiscard]] std::string series() const;
  [[nodiscard]] std::string books() const;
  /// The tables of the instances that are there now.
  [[nodiscard]] ctl::HttpTables tables() const;

 private:
  void ask_loop();
  void books_loop();
  void publish_loop();
  Totals ask() const;
  void publish();
  bool nap(std::int64_t ms);

  WatcherParts parts_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable stop_;
  bool stopping_ = false;
  Totals totals_;
  Rates rates_;
  std::string books_;
  std::string books_state_ = "unknown";
  std::int64_t books_at_ms_ = 0;
  std::int64_t balanced_at_ms_ = 0;
  std::string snapshot_;
  std::deque<std::string> series_;
  std::vector<std::thread> threads_;
};

/// "balanced", "moving", "unbalanced" or "partial": what two looks at the books prove.
[[nodiscard]] std::string books_state(const ctl::ShownBooks& books);

}  // namespace kpay::gateway
