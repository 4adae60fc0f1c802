// Exit codes of the daemons. docs/operating.md explains each; systemd restarts on some only.
#pragma once

#include "base/result.h"

namespace kpay::daemons {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailure = 1;      ///< anything unexpected: worth a restart
inline constexpr int kExitUsage = 2;        ///< wrong command line: a restart can't help
inline constexpr int kExitDependency = 69;  ///< the cluster refused or lost something: restart
inline constexpr int kExitConfig = 78;   ///< configuration or topic settings: a restart can't help
inline constexpr int kExitUnclean = 75;  ///< stopped or drained, but not every task cleanly
inline constexpr int kExitPermission = 77;  ///< the admin socket isn't for this user
inline constexpr int kExitFenced = 80;      ///< another process has this instance's id or files
inline constexpr int kExitCorrupt = 81;     ///< stored bytes contradict themselves
inline constexpr int kExitNoSwitch = 82;    ///< finish: a task came to no switch record in time

/// How a process ends that can't go on because of this.
[[nodiscard]] constexpr int exit_code_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid:
    case ErrorCode::refused: return kExitConfig;
    case ErrorCode::conflict:
    case ErrorCode::fenced: return kExitFenced;
    case ErrorCode::corrupt: return kExitCorrupt;
    case ErrorCode::not_found:
    case ErrorCode::unavailable: return kExitDependency;
    case ErrorCode::io: return kExitFailure;
  }
  return kExitFailure;
}

}  // namespace kpay::daemons
