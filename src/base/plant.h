// KPAY_PLANT(name): a known defect that a test switches on, to show that the tests find it
// (docs/trust.md). False, and gone, unless compiled with KPAY_PLANTED=1, as what is shipped never
// is.
#pragma once

#if KPAY_PLANTED
#include <cstdlib>
#include <string_view>

namespace kpay {

/// True when the environment's KPAY_PLANTED_BUG names this defect.
[[nodiscard]] inline bool is_planted(std::string_view name) noexcept {
  static const char* const chosen = std::getenv("KPAY_PLANTED_BUG");
  return chosen != nullptr && name == chosen;
}

}  // namespace kpay

#define KPAY_PLANT(name) (::kpay::is_planted(#name))
#else
#define KPAY_PLANT(name) false
#endif
