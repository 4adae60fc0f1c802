// LoadView: what is wanted of the load generator, and what its instances say.
#pragma once

#include <string>
#include <vector>

#include "daemons/ctl/control.h"
#include "daemons/tool/load_state.h"

namespace kpay::ctl {

/// A `kpay-load serve` as its status record has it.
struct LoadInstance {
  InstanceView view;
  bool allowed = false;
  bool generating = false;
  double rate = 0;
  std::string load;  ///< the record's member "load", a JSON object
};

/// Nothing when the value is no status of a load generator.
[[nodiscard]] std::optional<LoadInstance> parse_load_instance(const std::string& json);

/// Errors: invalid, when the record can't be followed.
[[nodiscard]] Result<tool::LoadState> read_load(tool::Reached& reached);
[[nodiscard]] Result<std::vector<LoadInstance>> read_load_instances(tool::Reached& reached);

/// Those that are there now and may generate; where none may, all that are there.
[[nodiscard]] std::vector<LoadInstance> live(const std::vector<LoadInstance>& instances,
                                             std::int64_t now_ms);

/// Why the load is not as wanted, in words; empty when it is.
[[nodiscard]] std::string missing_load(const std::vector<LoadInstance>& instances,
                                       const tool::LoadState& wanted, std::int64_t now_ms);

/// "500 payments/s among 200 accounts, until it is stopped: reason (owner)"
[[nodiscard]] std::string text_of(const tool::LoadState& state);

}  // namespace kpay::ctl
