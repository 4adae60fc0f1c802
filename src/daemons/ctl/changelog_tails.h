// ChangelogTails: where every task's state stands by its changelog, and as that grows (R14, R21).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"
#include "stream/changelog_reader.h"

namespace kpay::ctl {

/// A task's last accepted marker, and what goes on from there.
struct TaskTail {
  stream::SenderId task;
  stream::ChangelogReader reader{false};

  [[nodiscard]] const stream::Marker& marker() const noexcept { return reader.marker(); }
  [[nodiscard]] const stream::Logic& logic() const noexcept { return reader.logic(); }
  /// It stands at a switch record, and nobody of that logic has taken it over yet.
  [[nodiscard]] bool switched() const noexcept {
    return marker().clean && logic() != reader.open().logic;
  }
  [[nodiscard]] bool refuses(const stream::SenderId& sender) const;
};

/// Threads: one.
class ChangelogTails {
 public:
  /// Reads all changelogs to the ends that they have now. Errors: those of reaching the cluster.
  static Result<std::unique_ptr<ChangelogTails>> open(const tool::Reached& reached);

  /// Takes what has come since; waits up to `wait_ms` when nothing has.
  Result<void> follow(int wait_ms);

  /// By stage, then partition.
  [[nodiscard]] const std::vector<TaskTail>& tasks() const noexcept { return tasks_; }

 private:
  ChangelogTails() = default;
  Result<void> read_to(const std::vector<std::int64_t>& ends);
  void take(std::size_t part, const stream::LogRecord& record);

  std::unique_ptr<tool::Sweep> sweep_;
  std::vector<TaskTail> tasks_;      // as the sweep's parts
  std::vector<std::int64_t> taken_;  // the next offset of each
};

}  // namespace kpay::ctl
