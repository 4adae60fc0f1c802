#include "daemons/load/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>

#include "build_info.h"
#include "daemons/load/progress.h"

namespace kpay::load {

namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  kpay-load accounts --count 10000 --currency EUR --opening 1000.00 --wait\n"
    "  kpay-load generate --count 100000 --bad 300 --accounts 10000 > payments.csv\n"
    "  kpay-load file payments.csv --manifest payments.manifest\n"
    "  kpay-load run --rate 5000 --duration 60s --accounts 10000 --warm-up 10s\n"
    "\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused, 5 unreachable, 6 permission,\n"
    "  7 partial, 9 timed out, 130 interrupted";

int finish(const Result<Ending>& ending, const Session& session) {
  if (!ending) {
    std::fprintf(stderr, "kpay-load: %s\n", ending.error().message.c_str());
    return static_cast<int>(tool::exit_of(ending.error().code));
  }
  const std::string text = session.json ? ending->report.json() + "\n" : ending->report.text();
  std::fputs(text.c_str(), session.report_on_stderr ? stderr : stdout);
  if (std::fflush(stdout) != 0) {
    std::fprintf(stderr, "kpay-load: standard output can't be written\n");
    return static_cast<int>(tool::Exit::failure);
  }
  return static_cast<int>(ending->exit);
}

}  // namespace

int run_cli(int argc, const char* const* argv) {
  catch_interrupts();
  Session session;
  session.flags.client_id = "kpay-load";
  CLI::App app("Load kpay: open accounts, load files of payments, generate and measure",
               "kpay-load");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  app.set_version_flag("--version", std::string("kpay-load ") + std::string(kVersion) + " (" +
                                        std::string(kCommit) + ")");
  tool::add_connection_options(app, session.flags);
  app.add_flag("--json", session.json, "The report as one JSON document");
  add_accounts(app, session);
  add_generate(app, session);
  add_file(app, session);
  add_run(app, session);
  add_preload(app, session);
  add_serve(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(tool::Exit::usage);
  }
  return finish(session.chosen(), session);
}

}  // namespace kpay::load
