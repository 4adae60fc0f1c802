#include <CLI/CLI.hpp>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "daemons/ctl/account_file.h"
#include "daemons/ctl/amounts.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/history.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/send_command.h"
#include "daemons/tool/command_sender.h"
#include "http/json.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

constexpr int kBulkLingerMs = 5;

struct AccountFlags {
  std::string id;
  std::string currency;
  std::string amount = "0";
  std::string file;
  std::string cursor;
  std::size_t limit = 100;
  bool dump_record = false;
  SendFlags sending;
};

Result<core::AccountId> account_in(const AccountFlags& flags) {
  const std::optional<core::AccountId> account = core::AccountId::parse(flags.id);
  if (!account) {
    return Unexpected(ErrorCode::invalid, "\"" + flags.id +
                                              "\" is no account id: 1 to 34 characters of "
                                              "A-Z a-z 0-9 . _ : -");
  }
  return *account;
}

Result<Answer> send_one(const Session& session, const AccountFlags& flags,
                        const core::Command& command) {
  const std::string id = to_string(core::id_of(command));
  http::JsonObject about;
  about.add("account", flags.id).add("command_id", id);
  return send_command(session, flags.sending, command, about, [&](const core::Outcome& outcome) {
    const std::string refusal =
        succeeded(outcome) ? std::string() : std::string(core::to_string(refusal_in(outcome)));
    return outcome_answer(about, id, status_text(outcome), refusal);
  });
}

// The record as it would be sent; for tests that put it elsewhere.
Result<Answer> dump_record(const Session& session, const core::Command& command) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  wire::CommandCodec codec;
  const ByteView key = core::key_of(command);
  const std::string key_hex = to_hex(key);
  const std::string value_hex = to_hex(codec.encode(command));
  const std::int32_t partition = partition_of(key, reached->partitions);
  return Answer{http::JsonObject()
                    .add("topic", reached->connection.topic(stages::kTopicIncoming))
                    .add("partition", partition)
                    .add("key", key_hex)
                    .add("value", value_hex)
                    .finish(),
                std::to_string(partition) + " " + key_hex + " " + value_hex + "\n"};
}

Result<Answer> open_one(const Session& session, const AccountFlags& flags) {
  Result<core::AccountId> account = account_in(flags);
  Result<core::Money> opening = amount_in(flags.amount, flags.currency);
  Result<Uuid> id = id_in(flags.sending.id);
  if (!account || !opening || !id) {
    return Unexpected(!account ? account.error() : !opening ? opening.error() : id.error());
  }
  const core::OpenAccount open{core::CommandId(*id), *account, *opening};
  return flags.dump_record ? dump_record(session, open) : send_one(session, flags, open);
}

Result<Answer> deposit(const Session& session, const AccountFlags& flags) {
  Result<core::AccountId> account = account_in(flags);
  Result<core::Money> amount = amount_in(flags.amount, flags.currency);
  Result<Uuid> id = id_in(flags.sending.id);
  if (!account || !amount || !id) {
    return Unexpected(!account ? account.error() : !amount ? amount.error() : id.error());
  }
  return send_one(session, flags, core::Deposit{core::CommandId(*id), *account, *amount});
}

Result<Answer> close(const Session& session, const AccountFlags& flags) {
  Result<core::AccountId> account = account_in(flags);
  Result<Uuid> id = id_in(flags.sending.id);
  if (!account || !id) {
    return Unexpected(!account ? account.error() : id.error());
  }
  const Result<tool::Connection> connection = tool::resolve(session.flags);
  if (!connection) {
    return Unexpected(connection.error());
  }
  if (!session.dry_run) {
    if (std::optional<Answer> stop =
            ask(session, *connection, "close account " + flags.id + " for good")) {
      return *stop;
    }
  }
  return send_one(session, flags, core::CloseAccount{core::CommandId(*id), *account});
}

struct BulkResult {
  std::size_t sent = 0;
  std::size_t opened = 0;
  std::map<std::string, std::size_t> refused;
  std::size_t waited_for = 0;
  bool timed_out = false;
};

// The lines that can't be sent, as JSON and on the answer's note.
std::string bad_lines(const AccountFile& file, Answer& answer) {
  http::JsonArray bad;
  for (const BadLine& line : file.bad) {
    bad.add_json(http::JsonObject().add("line", line.line).add("problem", line.problem).finish());
    answer.note += "line " + std::to_string(line.line) + ": " + line.problem + "\n";
  }
  answer.exit = file.bad.empty() ? answer.exit : tool::Exit::partial;
  return bad.finish();
}

Answer dry_bulk_answer(const AccountFile& file) {
  Answer answer;
  const std::string bad = bad_lines(file, answer);
  const std::size_t count = file.accounts.size();
  answer.text = "would send " + std::to_string(count) + ", bad lines " +
                std::to_string(file.bad.size()) + "\n";
  answer.json = http::JsonObject()
                    .add("would_send", count)
                    .add("changed", count > 0)
                    .add("dry_run", true)
                    .add_json("bad_lines", bad)
                    .finish();
  return answer;
}

Answer bulk_answer(const AccountFile& file, const BulkResult& result, bool waited) {
  Answer answer;
  const std::string bad = bad_lines(file, answer);
  http::JsonObject refused;
  std::string refused_text;
  for (const auto& [reason, count] : result.refused) {
    refused.add(reason, count);
    refused_text += ", " + std::to_string(count) + " " + reason;
  }
  http::JsonObject json;
  json.add("sent", result.sent).add("changed", result.sent > 0);
  answer.text = "sent " + std::to_string(result.sent);
  if (waited) {
    json.add("opened", result.opened).add_json("refused", refused.finish());
    answer.text += ", opened " + std::to_string(result.opened) + refused_text;
  }
  answer.json = json.add_json("bad_lines", bad).finish();
  answer.text += ", bad lines " + std::to_string(file.bad.size()) + "\n";
  if (!result.refused.empty()) {
    answer.exit = tool::Exit::partial;
  }
  if (result.timed_out) {
    answer.note += "not every outcome came in time\n";
    answer.exit = tool::Exit::timed_out;
  }
  return answer;
}

Result<AccountFile> read_file(const std::string& path) {
  std::ifstream in(path == "-" ? "/dev/stdin" : path);
  if (!in) {
    return Unexpected(ErrorCode::io, "can't read " + path);
  }
  return read_accounts(in);
}

Result<BulkResult> send_all(tool::Reached& reached, const AccountFlags& flags,
                            const AccountFile& file) {
  std::vector<Uuid> ids;
  for (std::size_t i = 0; i < file.accounts.size(); ++i) {
    ids.push_back(new_uuid_v7());
  }
  std::unique_ptr<OutcomeWatch> watch;
  if (flags.sending.wait) {
    Result<std::unique_ptr<OutcomeWatch>> opened =
        OutcomeWatch::open(reached, ids, OutcomeWatch::From::now);
    if (!opened) {
      return Unexpected(opened.error());
    }
    watch = std::move(*opened);
  }
  Result<std::unique_ptr<tool::CommandSender>> sender =
      tool::CommandSender::connect(reached, kBulkLingerMs);
  if (!sender) {
    return Unexpected(sender.error());
  }
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const AccountLine& line = file.accounts[i];
    Result<void> sent =
        (*sender)->send(core::OpenAccount{core::CommandId(ids[i]), line.account, line.opening});
    if (!sent) {
      return Unexpected(sent.error());
    }
  }
  if (Result<void> flushed = (*sender)->flush(); !flushed) {
    return Unexpected(flushed.error());
  }
  BulkResult result;
  result.sent = ids.size();
  if (!watch) {
    return result;
  }
  Result<bool> ended = watch->wait(flags.sending.timeout_s * 1000);
  if (!ended) {
    return Unexpected(ended.error());
  }
  result.timed_out = !*ended;
  for (const auto& [id, outcome] : watch->outcomes()) {
    if (succeeded(outcome)) {
      ++result.opened;
    } else {
      ++result.refused[std::string(core::to_string(refusal_in(outcome)))];
    }
  }
  return result;
}

Result<Answer> open_file(const Session& session, const AccountFlags& flags) {
  Result<AccountFile> file = read_file(flags.file);
  if (!file) {
    return Unexpected(file.error());
  }
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  if (session.dry_run) {
    return dry_bulk_answer(*file);
  }
  Result<BulkResult> result = send_all(*reached, flags, *file);
  if (!result) {
    return Unexpected(result.error());
  }
  return bulk_answer(*file, *result, flags.sending.wait);
}

nlohmann::ordered_json account_json(const std::string& id, const std::string& row) {
  nlohmann::ordered_json fields = nlohmann::ordered_json::parse(row, nullptr, false);
  nlohmann::ordered_json json{{"account", id}};
  json.update(fields);
  return json;
}

// A whole number, or decimal text where 64 bits are too few.
std::string digits(const nlohmann::ordered_json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end()) {
    return "0";
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::vector<std::string> account_line(const nlohmann::ordered_json& json) {
  const std::string currency = json.value("currency", "");
  return {json.value("account", ""), currency, amount_text(digits(json, "balance_minor"), currency),
          json.value("state", "")};
}

Result<Answer> get(const Session& session, const AccountFlags& flags) {
  Result<core::AccountId> account = account_in(flags);
  if (!account) {
    return Unexpected(account.error());
  }
  Result<Asked> asked = ask_daemons(session.flags, session.http);
  if (!asked) {
    return Unexpected(asked.error());
  }
  Result<std::optional<std::string>> row = asked->tables.get(
      "account", "accounts", flags.id, partition_of(account->view(), asked->reached.partitions));
  if (!row) {
    return Unexpected(row.error());
  }
  if (!*row) {
    return Unexpected(ErrorCode::not_found, "there is no account " + flags.id);
  }
  const nlohmann::ordered_json json = account_json(flags.id, **row);
  TextTable table({"ACCOUNT", "CURRENCY", "BALANCE", "STATE"});
  table.add(account_line(json));
  return Answer{json.dump(), table.text()};
}

Result<Answer> list(const Session& session, const AccountFlags& flags) {
  Result<Asked> asked = ask_daemons(session.flags, session.http);
  if (!asked) {
    return Unexpected(asked.error());
  }
  Result<RowPage> page = asked->tables.page("account", "accounts", flags.limit, flags.cursor);
  if (!page) {
    return Unexpected(page.error());
  }
  nlohmann::ordered_json accounts = nlohmann::ordered_json::array();
  std::vector<std::string> lines;
  TextTable table({"ACCOUNT", "CURRENCY", "BALANCE", "STATE"});
  for (const Row& row : page->rows) {
    accounts.push_back(account_json(row.key, row.json));
    table.add(account_line(accounts.back()));
    lines.push_back(accounts.back().dump());
  }
  nlohmann::ordered_json json{{"accounts", std::move(accounts)}};
  json["next"] =
      page->next.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(page->next);
  Answer answer{json.dump(), table.text()};
  answer.lines = std::move(lines);
  const std::vector<std::int32_t> unserved = asked->tables.unserved("account");
  if (!unserved.empty()) {
    answer.note = std::to_string(unserved.size()) + " partitions are served by nobody\n";
    answer.exit = tool::Exit::partial;
  }
  if (!page->next.empty()) {
    answer.note += "more: --cursor " + page->next + "\n";
  }
  return answer;
}

using Flags = std::shared_ptr<AccountFlags>;

void add_open(CLI::App* accounts, Session& session, const Flags& flags) {
  CLI::App* open = accounts->add_subcommand("open", "Open one account, or those of a file");
  open->add_option("ID", flags->id, "The new account's id");
  open->add_option("--currency", flags->currency, "Its currency, as EUR");
  open->add_option("--opening", flags->amount, "Its opening balance, as 100.00 [0]");
  open->add_flag("--dump-record", flags->dump_record, "Print the record instead of sending it");
  open->add_option("--from-file", flags->file, "CSV lines id,currency,opening; - is stdin");
  add_send_options(*open, flags->sending);
  add_dry_run(*open, session);
  open->callback([&session, flags] {
    if (flags->file.empty() == flags->id.empty()) {
      throw CLI::ValidationError("accounts open", "give either an ID or --from-file");
    }
    session.chosen = [&session, flags] {
      return flags->file.empty() ? open_one(session, *flags) : open_file(session, *flags);
    };
  });
}

void add_changes(CLI::App* accounts, Session& session, const Flags& flags) {
  CLI::App* put = accounts->add_subcommand("deposit", "Put money from outside into an account");
  put->add_option("ID", flags->id, "The account")->required();
  put->add_option("--amount", flags->amount, "How much, as 12.34")->required();
  put->add_option("--currency", flags->currency, "The account's currency")->required();
  add_send_options(*put, flags->sending);
  add_dry_run(*put, session);
  put->callback([&session, flags] {
    session.chosen = [&session, flags] { return deposit(session, *flags); };
  });
  CLI::App* shut = accounts->add_subcommand("close", "Close an account whose balance is zero");
  shut->add_option("ID", flags->id, "The account")->required();
  add_send_options(*shut, flags->sending);
  add_danger_options(*shut, session);
  shut->callback(
      [&session, flags] { session.chosen = [&session, flags] { return close(session, *flags); }; });
}

}  // namespace

void add_accounts(CLI::App& app, Session& session) {
  CLI::App* accounts = app.add_subcommand("accounts", "Open, fill, close and show accounts");
  accounts->require_subcommand(1);
  const Flags flags = std::make_shared<AccountFlags>();
  add_open(accounts, session, flags);
  add_changes(accounts, session, flags);
  CLI::App* one = accounts->add_subcommand("get", "Show an account as its daemon has it");
  one->add_option("ID", flags->id, "The account")->required();
  one->callback(
      [&session, flags] { session.chosen = [&session, flags] { return get(session, *flags); }; });
  CLI::App* many = accounts->add_subcommand("list", "Show a page of accounts");
  many->add_option("--limit", flags->limit, "Accounts of a page [100]")->check(CLI::Range(1, 1000));
  many->add_option("--cursor", flags->cursor, "Where the page before ended");
  add_jsonl(*many, session);
  many->callback(
      [&session, flags] { session.chosen = [&session, flags] { return list(session, *flags); }; });
  add_account_history(*accounts, session);
}

}  // namespace kpay::ctl
