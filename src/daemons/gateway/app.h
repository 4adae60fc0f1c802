// The command line of kpay-gateway: that of every daemon, without what concerns tasks.
//
//   kpay-gateway --config FILE             runs
//   kpay-gateway config check FILE         checks the file, offline
//   kpay-gateway config reference|example  prints the fields, or a file with all defaults
//   kpay-gateway selfcheck --config FILE   does everything but run: file, cluster, topics
//   kpay-gateway version
#pragma once

namespace kpay::gateway {

/// The process's exit code (daemons/service/exit_codes.h).
int run_app(int argc, char** argv);

}  // namespace kpay::gateway
