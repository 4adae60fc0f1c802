// restore-snapshot: a snapshot in the place of a task's state file, while the daemon is stopped.
#pragma once

#include <string>

#include "base/result.h"
#include "config/daemon_config.h"
#include "daemons/service/app.h"

namespace kpay::daemons {

/// Checks the whole snapshot, sets the task's file aside and puts the copy there. Nothing is
/// believed for that: the next start uses the file if its marker is met in the log (R17), and the
/// log's tail brings it up to date. What was done, in words.
/// Errors: conflict (the daemon runs), invalid (another daemon's task), not_found, corrupt, io.
[[nodiscard]] Result<std::string> restore_snapshot(const DaemonKind& kind,
                                                   const config::DaemonConfig& config,
                                                   const std::string& folder);

}  // namespace kpay::daemons
