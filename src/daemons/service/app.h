// run_daemon(): the command line that every daemon has.
//
//   kpay-X --config FILE             runs
//   kpay-X config check FILE         checks the file, offline
//   kpay-X config reference|example  prints the fields, or a file with all defaults
//   kpay-X selfcheck --config FILE   does everything but run: file, state folder, cluster, topics
//   kpay-X finish --config FILE      runs to the switch records of its tasks, and ends (R22)
//   kpay-X admin VERB --socket PATH  asks the running daemon (docs/control.md)
//   kpay-X version
#pragma once

#include <string>
#include <vector>

#include "stream/stage.h"

namespace kpay::daemons {

/// A daemon: its name, and the stages that it runs.
struct DaemonKind {
  std::string name;
  std::vector<stream::StageSpec> specs;
};

/// The process's exit code (exit_codes.h).
int run_daemon(int argc, char** argv, const DaemonKind& kind);

}  // namespace kpay::daemons
