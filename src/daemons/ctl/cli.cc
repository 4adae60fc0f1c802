#include "daemons/ctl/cli.h"

#include <unistd.h>
#include <csignal>
#include <cstdio>

#include <CLI/CLI.hpp>

#include "build_info.h"
#include "http/json.h"

namespace kpay::ctl {

namespace {

constexpr const char* kFooter =
    "Examples:\n"
    "  kpayctl topics apply --bootstrap localhost:9092 --partitions 12 --replication 3\n"
    "  kpayctl accounts open alice --currency EUR --opening 100.00 --wait\n"
    "  kpayctl payments send --from alice --to bob --amount 12.34 --currency EUR --wait\n"
    "  kpayctl books verify --json\n"
    "\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused or conflict, 5 unreachable,\n"
    "  6 permission, 7 partial, 8 check failed, 9 timed out, 130 interrupted";

// A command that waits or follows leaves nothing half done: what it sent has its own id.
void on_interrupt(int) { _exit(static_cast<int>(tool::Exit::interrupted)); }

void add_version(CLI::App& app, Session& session) {
  app.add_subcommand("version", "Say which build this is")->callback([&session] {
    session.chosen = []() -> Result<Answer> {
      const std::string version(kVersion);
      const std::string commit(kCommit);
      return Answer{http::JsonObject().add("version", version).add("commit", commit).finish(),
                    "kpayctl " + version + " (" + commit + ")\n"};
    };
  });
}

void add_common(CLI::App& app, Session& session) {
  tool::add_connection_options(app, session.flags);
  app.add_option("--http-ca", session.http.ca, "Signs the daemons' HTTP certificates");
  app.add_option("--http-certificate", session.http.certificate,
                 "This client's certificate for daemons that don't listen on loopback");
  app.add_option("--http-key", session.http.key, "The key of that certificate");
  app.add_flag("--json", session.json, "One JSON document on standard output");
}

}  // namespace

int run(int argc, const char* const* argv) {
  std::signal(SIGINT, on_interrupt);
  Session session;
  session.flags.client_id = "kpayctl";
  CLI::App app("Operate kpay: topics, accounts, payments, books, pipeline", "kpayctl");
  app.footer(kFooter);
  app.require_subcommand(1);
  app.fallthrough();
  add_common(app, session);
  add_topics(app, session);
  add_accounts(app, session);
  add_payments(app, session);
  add_books(app, session);
  add_pipeline(app, session);
  add_dlq(app, session);
  add_status(app, session);
  add_config(app, session);
  add_version(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : static_cast<int>(tool::Exit::usage);
  }
  const Result<Answer> answer = session.chosen();
  return print(answer ? *answer : failed(answer.error()), session.json);
}

}  // namespace kpay::ctl
