// Control: the desired state on control.state, and what the instances say on control.status.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemons/tool/connection.h"

namespace kpay::ctl {

/// The value of control.state's key "pipeline".
struct PipelineState {
  bool paused = false;
  std::string reason;
  std::string owner;
  std::int64_t at_ms = 0;
};

[[nodiscard]] std::string to_json(const PipelineState& state);
/// Nothing when the value is no such object.
[[nodiscard]] std::optional<PipelineState> parse_pipeline(const std::string& json);

struct TaskView {
  std::string stage;
  std::int32_t partition = 0;
  std::string phase;
  std::string reason;
  std::int64_t position = 0;
  std::int64_t end = -1;
  std::int64_t lag = -1;
  std::int64_t checkpoint_position = 0;
  std::string state_hash;
  bool paused = false;
};

struct InstanceView {
  std::string instance;
  std::string daemon;
  std::string phase;
  std::string state;
  std::int64_t at_ms = 0;
  bool paused = false;
  std::vector<TaskView> tasks;

  /// True when it should speak and hasn't for kStaleMs.
  [[nodiscard]] bool stale(std::int64_t now_ms) const noexcept;
};

inline constexpr std::int64_t kStaleMs = 10'000;

/// Nothing when the value is no status.
[[nodiscard]] std::optional<InstanceView> parse_status(const std::string& json);

/// Running: without a pause, when nobody has said anything yet.
[[nodiscard]] Result<PipelineState> read_pipeline(tool::Reached& reached);
[[nodiscard]] Result<std::vector<InstanceView>> read_instances(tool::Reached& reached);
/// Appends a record to control.state, and waits until it is there. An empty value takes the key
/// away.
[[nodiscard]] Result<void> write_state(const tool::Reached& reached, const std::string& key,
                                       const std::string& value);
[[nodiscard]] Result<void> write_pipeline(const tool::Reached& reached, const PipelineState& state);

/// Looks until `missing` gives an empty text, or the deadline (of monotonic_ms()) has passed; gives
/// the last text then.
[[nodiscard]] Result<std::string> wait_for(std::int64_t deadline,
                                           const std::function<Result<std::string>()>& missing);

/// The partitions of a stage and how they stand, in words: empty when every task of the stage
/// runs on a live instance and is paused (or not) as wanted.
[[nodiscard]] std::string missing_tasks(const std::vector<InstanceView>& instances,
                                        const std::string& stage, std::int32_t partitions,
                                        bool paused, std::int64_t now_ms);

}  // namespace kpay::ctl
