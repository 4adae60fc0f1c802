#include "daemons/ctl/cli.h"

#include <cstdio>

#include <CLI/CLI.hpp>

#include "build_info.h"
#include "config/schema.h"
#include "daemons/ctl/interrupt.h"
#include "http/json.h"

namespace kpay::ctl {

namespace {

constexpr std::size_t kTypoMax = 3;
constexpr const char* kFooter =
    "Examples:\n"
    "  kpayctl topics apply --bootstrap localhost:9092 --partitions 12 --replication 3\n"
    "  kpayctl accounts open alice --currency EUR --opening 100.00 --wait\n"
    "  kpayctl payments send --from alice --to bob --amount 12.34 --currency EUR --wait\n"
    "  kpayctl books verify --json\n"
    "  kpayctl pipeline drain --reason \"broker upgrade\" --yes\n"
    "\n"
    "Exit codes: 0 ok, 1 failure, 2 usage, 3 not found, 4 refused or conflict, 5 unreachable,\n"
    "  6 permission, 7 partial, 8 check failed, 9 timed out, 130 interrupted";

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

// --json where it stands on a command line that can't be parsed.
Format format_in(int argc, const char* const* argv) {
  Format format = Format::text;
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    format = word == "--json" ? Format::json : word == "--jsonl" ? Format::jsonl : format;
  }
  return format;
}

// The command as far as it was understood: "kpayctl accounts open".
std::vector<const CLI::App*> chain_of(const CLI::App& app) {
  std::vector<const CLI::App*> chain{&app};
  while (!chain.back()->get_subcommands().empty()) {
    chain.push_back(chain.back()->get_subcommands().front());
  }
  return chain;
}

// The option or command that somebody meant who typed `word`; empty when none is near.
std::string nearest(const std::vector<const CLI::App*>& chain, const std::string& word) {
  std::vector<std::string> known;
  for (const CLI::App* app : chain) {
    for (const CLI::Option* option : app->get_options()) {
      for (const std::string& name : option->get_lnames()) {
        known.push_back("--" + name);
      }
    }
  }
  for (const CLI::App* command : chain.back()->get_subcommands(nullptr)) {
    known.push_back(command->get_name());
  }
  const std::string typed = word.substr(0, word.find('='));
  std::string best;
  std::size_t distance = kTypoMax + 1;
  for (const std::string& each : known) {
    const std::size_t edits = config::edit_distance(typed, each);
    if (edits < distance && edits < each.size() / 2) {
      best = each;
      distance = edits;
    }
  }
  return best;
}

Answer usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const std::vector<const CLI::App*> chain = chain_of(app);
  std::string command;
  for (const CLI::App* each : chain) {
    command += each->get_name() + " ";
  }
  std::string hint;
  for (const std::string& word : app.remaining(true)) {
    const std::string meant = nearest(chain, word);
    hint += meant.empty() ? "" : "did you mean " + meant + "? ";
  }
  return failed(tool::Exit::usage, "usage", error.what(),
                hint + "`" + command + "--help` tells what it takes");
}

}  // namespace

void add_jsonl(CLI::App& command, Session& session) {
  command.add_flag("--jsonl", session.jsonl,
                   "One JSON document a line, the rest to standard error");
}

int run(int argc, const char* const* argv) {
  catch_interrupts();
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
  add_audit(app, session);
  add_pipeline(app, session);
  add_load(app, session);
  add_dlq(app, session);
  add_status(app, session);
  add_snapshots(app, session);
  add_tasks(app, session);
  add_logic(app, session);
  add_keys(app, session);
  add_proposals(app, session);
  add_config(app, session);
  add_contexts(app, session);
  add_completion(app, session);
  add_manual(app, session);
  add_version(app, session);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) {
      return app.exit(error);  // --help
    }
    return print(usage_error(app, error), format_in(argc, argv));
  }
  const Format format = session.jsonl ? Format::jsonl : session.json ? Format::json : Format::text;
  const Result<Answer> answer = session.chosen();
  return print(answer ? *answer : failed(answer.error()), format);
}

}  // namespace kpay::ctl
