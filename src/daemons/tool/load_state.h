// LoadState: what is wanted of `kpay-load serve`, as the key "load" of control.state has it.
// docs/control.md has the record.
#pragma once

#include <cstdint>
#include <string>

#include "daemons/tool/mix_flags.h"

namespace kpay::tool {

inline constexpr const char* kControlState = "control.state";
inline constexpr const char* kControlStatus = "control.status";
inline constexpr const char* kLoadKey = "load";
inline constexpr double kRateMin = 0.001;
inline constexpr double kRateMax = 10e6;

struct LoadState {
  bool running = false;
  double rate = 0;  ///< payments a second
  MixFlags mix;
  std::int64_t until_ms = 0;  ///< wall clock; 0: until it is stopped
  std::string reason;
  std::string owner;
  std::int64_t at_ms = 0;
};

/// True when the same payments are wanted for the same time; who wants them doesn't count.
[[nodiscard]] bool same_load(const LoadState& a, const LoadState& b);

[[nodiscard]] std::string to_json(const LoadState& state);
/// Errors: invalid, naming the member that is wrong and what would be right. A value that is no
/// JSON object is a stopped load.
[[nodiscard]] Result<LoadState> parse_load_state(const std::string& json);

}  // namespace kpay::tool
