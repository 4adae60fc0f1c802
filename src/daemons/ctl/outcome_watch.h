// OutcomeWatch: waits on payments.complete for how commands end.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "core/outcomes.h"
#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"
#include "stream/frame.h"
#include "wire/codec.h"

namespace kpay::ctl {

/// Threads: one.
class OutcomeWatch {
 public:
  /// From where each partition is read: from now on, or all that is kept (for a command that was
  /// sent before, whose outcome may be there already).
  enum class From { now, beginning };

  /// Watches the partitions of these ids. Open it BEFORE the commands are sent.
  static Result<std::unique_ptr<OutcomeWatch>> open(tool::Reached& reached,
                                                    const std::vector<Uuid>& ids, From from);

  /// Reads on until every id has an outcome, or the time is over; false then.
  Result<bool> wait(int timeout_ms);

  /// Of each id that has one. A rejection counts only when it came after open().
  [[nodiscard]] const std::unordered_map<Uuid, core::Outcome>& outcomes() const noexcept {
    return outcomes_;
  }
  [[nodiscard]] std::size_t missing() const noexcept { return ids_ - outcomes_.size(); }

 private:
  OutcomeWatch() = default;
  void take(std::size_t part, const stream::LogRecord& record);

  std::size_t ids_ = 0;
  std::unordered_map<Uuid, bool> wanted_;
  std::unordered_map<Uuid, core::Outcome> outcomes_;
  std::unique_ptr<tool::Sweep> sweep_;
  std::vector<std::int64_t> now_;  // where each part ended at open()
  stream::Frame frame_;
  wire::OutcomeCodec codec_;
};

/// True for a payment or account command that did what it was to do.
[[nodiscard]] bool succeeded(const core::Outcome& outcome) noexcept;
[[nodiscard]] core::Refusal refusal_in(const core::Outcome& outcome) noexcept;
/// "completed", "failed", "rejected", "done", "refused".
[[nodiscard]] std::string status_text(const core::Outcome& outcome);

}  // namespace kpay::ctl
