// Admin: the commands of an operator on this host, over the admin socket. docs/control.md has them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "config/daemon_config.h"
#include "daemons/service/drain.h"
#include "daemons/service/status.h"
#include "http/router.h"
#include "stream/snapshot.h"
#include "telemetry/telemetry.h"

namespace kpay::daemons {

/// What the commands do. Called by several threads at a time. An error with code conflict: not
/// now, and why.
struct AdminParts {
  telemetry::Telemetry* telemetry = nullptr;
  std::function<InstanceStatus()> status;
  std::function<Result<DrainReport>(std::optional<std::int64_t> deadline_ms)> drain;
  std::function<Result<void>()> resume;
  /// Of every task, in a folder; empty: where they are kept.
  std::function<Result<std::vector<stream::Snapshot>>(const std::string& folder)> snapshot;
  /// Of one task, from the newest kept snapshot at or before an input position.
  std::function<Result<stream::Snapshot>(const std::string& stage, std::int32_t partition,
                                         std::int64_t from)>
      re_emit;
  /// How many tasks waited for it.
  std::function<Result<std::size_t>()> acknowledge_time;
};

/// REQUIRES: every callback is set.
void add_admin_commands(http::Router& router, const AdminParts& parts);

/// Where the socket is: the configured path, else admin.sock in systemd's RUNTIME_DIRECTORY, else
/// empty: none.
[[nodiscard]] std::string admin_socket_path(const config::DaemonConfig& config);

/// `kpay-X admin VERB`: asks the daemon at `socket`, prints its answer. Exit code.
int run_admin_command(const std::string& socket, const std::string& method,
                      const std::string& target);

}  // namespace kpay::daemons
