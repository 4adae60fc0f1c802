#include "stages/specs.h"

#include "core/logic.h"

namespace kpay::stages {

stream::Logic logic_of_build() { return {core::kLogic.version, core::kLogic.rules_hash}; }

std::vector<stream::StageSpec> all_specs() {
  return {intake_spec(), account_spec(), settle_spec(), confirmed_spec(), throughput_spec()};
}

}  // namespace kpay::stages
