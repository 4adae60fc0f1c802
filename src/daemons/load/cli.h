// Cli: kpay-load's commands, and how one of them is run.
#pragma once

#include <functional>

#include "daemons/load/report.h"
#include "daemons/tool/connection.h"
#include "daemons/tool/exit.h"

namespace CLI {
class App;
}

namespace kpay::load {

/// What a command ends with. A report is printed whatever the exit.
struct Ending {
  Report report;
  tool::Exit exit = tool::Exit::ok;
};

/// What every command sees of the command line, and which command it chose.
struct Session {
  tool::ConnectionFlags flags;
  bool json = false;
  bool report_on_stderr = false;           ///< standard output is for data
  std::function<Result<Ending>()> chosen;  ///< set while parsing
};

void add_accounts(CLI::App& app, Session& session);
void add_generate(CLI::App& app, Session& session);
void add_file(CLI::App& app, Session& session);
void add_run(CLI::App& app, Session& session);
void add_preload(CLI::App& app, Session& session);
void add_serve(CLI::App& app, Session& session);

/// Parses, runs, prints; gives the exit code.
[[nodiscard]] int run_cli(int argc, const char* const* argv);

}  // namespace kpay::load
