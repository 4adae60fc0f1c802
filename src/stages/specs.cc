#include "stages/specs.h"

namespace kpay::stages {

std::vector<stream::StageSpec> all_specs() {
  return {intake_spec(), account_spec(), settle_spec(), confirmed_spec(), throughput_spec()};
}

}  // namespace kpay::stages
