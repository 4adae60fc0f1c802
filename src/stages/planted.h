// PlantedBug: a defect on demand, for the demonstration that the auditor finds one. Does nothing
// unless it is compiled with KPAY_PLANTED=1, which the shipped build never is.
#pragma once

#include "core/account.h"

#if KPAY_PLANTED
#include <cstdlib>
#include <string_view>
#endif

namespace kpay::stages {

class PlantedBug {
 public:
#if KPAY_PLANTED
  /// With KPAY_PLANTED_BUG=lost-credit in the environment: true for the task's 1000th credit of
  /// a currency, which is then reported as completed while the balance stays as it was.
  [[nodiscard]] bool loses(const core::AccountEffects& effects,
                           const core::AccountTotals& totals) const noexcept {
    return lost_credit_ && effects.posting == core::Posting::credit &&
           totals.credited.count == 1000;
  }
  /// With KPAY_PLANTED_BUG=crash: dies of an event for the account "poison".
  void may_die_of(const core::AccountId& account) const noexcept {
    if (crash_ && account.text() == "poison") {
      std::abort();
    }
  }

 private:
  [[nodiscard]] static bool is_set(std::string_view bug) noexcept {
    const char* const text = std::getenv("KPAY_PLANTED_BUG");
    return text != nullptr && bug == text;
  }
  bool lost_credit_ = is_set("lost-credit");
  bool crash_ = is_set("crash");
#else
  [[nodiscard]] constexpr bool loses(const core::AccountEffects&,
                                     const core::AccountTotals&) const noexcept {
    return false;
  }
  constexpr void may_die_of(const core::AccountId&) const noexcept {}
#endif
};

}  // namespace kpay::stages
