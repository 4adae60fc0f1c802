// Cli: kpayctl's commands, noun by noun, and how one of them is run.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemons/ctl/answer.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/proposal.h"
#include "daemons/tool/connection.h"

namespace CLI {
class App;
}

namespace kpay::ctl {

/// What every command sees of the command line, and which command it chose.
struct Session {
  tool::ConnectionFlags flags;
  HttpFlags http;
  bool json = false;
  bool jsonl = false;    ///< of lists: one JSON document a line
  bool dry_run = false;  ///< the rest: of commands that change something
  bool yes = false;
  bool no_input = false;
  SigningFlags signing;                    ///< of commands that send operators' records
  std::function<Result<Answer>()> chosen;  ///< set while parsing
};

void add_topics(CLI::App& app, Session& session);
void add_accounts(CLI::App& app, Session& session);
void add_payments(CLI::App& app, Session& session);
void add_books(CLI::App& app, Session& session);
void add_audit(CLI::App& app, Session& session);
void add_pipeline(CLI::App& app, Session& session);
void add_dlq(CLI::App& app, Session& session);
void add_load(CLI::App& app, Session& session);
void add_logic(CLI::App& app, Session& session);
void add_status(CLI::App& app, Session& session);
void add_snapshots(CLI::App& app, Session& session);
void add_tasks(CLI::App& app, Session& session);
void add_task_override(CLI::App& tasks, Session& session);
void add_task_requests(CLI::App& tasks, Session& session);
void add_keys(CLI::App& app, Session& session);
void add_proposals(CLI::App& app, Session& session);
void add_config(CLI::App& app, Session& session);
void add_contexts(CLI::App& app, Session& session);
void add_completion(CLI::App& app, Session& session);
void add_manual(CLI::App& app, Session& session);

/// --jsonl.
void add_jsonl(CLI::App& command, Session& session);

/// Parses, runs, prints; gives the exit code.
[[nodiscard]] int run(int argc, const char* const* argv);

}  // namespace kpay::ctl
