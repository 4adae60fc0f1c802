// Finish: runs an instance to the switch records of its tasks, and no further (R22).
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "kafka/runner.h"

namespace kpay::daemons {

/// True when the task stands at a switch record that this build came to, or found it there: it is
/// another build's from there, and its last marker is clean (R21).
[[nodiscard]] bool is_at_switch(const stream::TaskStatus& status) noexcept;

/// The first task that isn't there, in words; empty when all of them are.
[[nodiscard]] std::string not_at_switch(const std::vector<kafka::RunnerTask>& tasks);

/// Threads: one.
class Finish {
 public:
  /// Without a time, it is never over.
  explicit Finish(std::optional<std::chrono::seconds> time);

  /// Why the process is to end: every task that the groups give it is there, or the time is over.
  /// Empty while it goes on.
  [[nodiscard]] std::string over(kafka::Runner& runner);
  /// True when it is over, and a task wasn't there.
  [[nodiscard]] bool failed() const noexcept { return failed_; }

 private:
  std::optional<std::int64_t> until_ms_;
  bool failed_ = false;
};

}  // namespace kpay::daemons
