#include "daemons/service/finish.h"

#include <algorithm>

#include "base/time.h"

namespace kpay::daemons {

bool is_at_switch(const stream::TaskStatus& status) noexcept {
  return status.phase == stream::Phase::switched ||
         (status.phase == stream::Phase::held && status.state_version > status.logic_version);
}

std::string not_at_switch(const std::vector<kafka::RunnerTask>& tasks) {
  const auto found = std::find_if(tasks.begin(), tasks.end(), [](const kafka::RunnerTask& task) {
    return !is_at_switch(task.status);
  });
  if (found == tasks.end()) {
    return {};
  }
  const stream::TaskStatus& status = found->status;
  const std::string name = status.stage + "/" + std::to_string(status.partition);
  if (status.phase != stream::Phase::running) {
    return name + " is " + stream::to_string(status.phase) +
           (status.reason.empty() ? "" : ": " + status.reason);
  }
  return name + " has come to no switch record, at position " + std::to_string(status.position) +
         " of " + std::to_string(found->end) + (status.paused ? "; it is paused" : "");
}

Finish::Finish(std::optional<std::chrono::seconds> time) {
  if (time) {
    until_ms_ = monotonic_ms() + std::chrono::milliseconds(*time).count();
  }
}

std::string Finish::over(kafka::Runner& runner) {
  if (!until_ms_) {
    return {};
  }
  const std::string missing =
      runner.ready() ? not_at_switch(runner.tasks()) : "not every task is restored";
  if (missing.empty()) {
    return "finished: every task stands at its switch record";
  }
  failed_ = monotonic_ms() >= *until_ms_;
  return failed_ ? "not finished: " + missing : "";
}

}  // namespace kpay::daemons
