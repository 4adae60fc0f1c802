// KPAY_FAILPOINT(name): a step of the crash table (docs/delivery.md) at which a test lets this
// process die or freeze. Nothing at all unless compiled with KPAY_PLANTED=1, as what is shipped
// never is.
//
// KPAY_FAILPOINT=name:passage:kill|stop[:ms] in the environment arms one: at that passage of the
// step (1 is the first) the process sends itself SIGKILL, or SIGSTOP as a zombie that the test
// wakes. With ms it first holds this thread up for so long, so that what was handed over to other
// threads gets out.
#pragma once

#if KPAY_PLANTED
#include <string_view>

namespace kpay {

/// Whether the environment names this step.
[[nodiscard]] bool failpoint_armed(std::string_view name) noexcept;
/// Counts a passage of the armed step; true at the one that was asked for. From any thread.
[[nodiscard]] bool failpoint_reached(std::string_view name) noexcept;
/// Says so on standard error, and dies or freezes.
void failpoint_act() noexcept;

}  // namespace kpay

#define KPAY_FAILPOINT_ARMED(name) (::kpay::failpoint_armed(#name))
/// What stands behind the name is done just before: what the step needs to be a real one.
#define KPAY_FAILPOINT(name, ...)           \
  do {                                      \
    if (::kpay::failpoint_reached(#name)) { \
      __VA_ARGS__;                          \
      ::kpay::failpoint_act();              \
    }                                       \
  } while (false)
#else
#define KPAY_FAILPOINT_ARMED(name) false
#define KPAY_FAILPOINT(name, ...) static_cast<void>(0)
#endif
