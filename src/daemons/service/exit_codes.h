// Exit codes of the daemons. docs/operating.md explains each; systemd restarts on some only.
#pragma once

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

}  // namespace kpay::daemons
