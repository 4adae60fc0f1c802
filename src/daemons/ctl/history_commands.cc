#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time_text.h"
#include "base/uuid.h"
#include "daemons/ctl/history.h"
#include "daemons/ctl/journal_client.h"
#include "http/target.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct HistoryFlags {
  std::string id;
  std::string account;
  std::string status;
  std::string from;
  std::string to;
  std::string cursor;
  int limit = 50;
};

using Flags = std::shared_ptr<HistoryFlags>;

std::string text_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) {
    return {};
  }
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string time_in(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_number_integer()
             ? to_rfc3339(Timestamp{found->get<std::int64_t>()})
             : "-";
}

// "?name=value&…", or what is wrong.
Result<std::string> query_of(const HistoryFlags& flags) {
  std::string query = "?limit=" + std::to_string(flags.limit);
  for (const auto& [name, value] :
       {std::pair("account", &flags.account), std::pair("status", &flags.status),
        std::pair("cursor", &flags.cursor)}) {
    query += value->empty() ? "" : std::string("&") + name + "=" + http::percent_encode(*value);
  }
  for (const auto& [name, value] : {std::pair("from", &flags.from), std::pair("to", &flags.to)}) {
    if (value->empty()) {
      continue;
    }
    const std::optional<Timestamp> at = parse_time(*value);
    if (!at) {
      return Unexpected(ErrorCode::invalid,
                        std::string("--") + name + " \"" + *value +
                            "\" is no time: give 2026-11-22, 2026-11-22T16:53:55Z, or whole "
                            "milliseconds since 1970");
    }
    query += std::string("&") + name + "_ms=" + std::to_string(at->ms);
  }
  return query;
}

Result<Json> ask(const Session& session, const std::string& path) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const auto metadata = read_compacted(*reached->reader, reached->topic("metadata"));
  if (!metadata) {
    return Unexpected(metadata.error());
  }
  Result<http::ClientResponse> answer = ask_journal(session.http, *metadata, path);
  if (!answer) {
    return Unexpected(answer.error());
  }
  Json json = Json::parse(answer->body, nullptr, false);
  if (!json.is_object()) {
    return Unexpected(ErrorCode::unavailable, "the journal's answer is no JSON object");
  }
  switch (answer->status) {
    case 200: return json;
    case 404: return Unexpected(ErrorCode::not_found, text_in(json, "detail"));
    case 400: return Unexpected(ErrorCode::invalid, text_in(json, "detail"));
    default: return Unexpected(ErrorCode::refused, text_in(json, "detail"));
  }
}

std::string note_of(const Json& json) {
  const std::string next = text_in(json, "next");
  return "as of " + time_in(json, "as_of_ms") + ", said by " + text_in(json, "journal") + "\n" +
         (next.empty() ? "" : "more: --cursor " + next + "\n");
}

Answer answer_of(const Json& json, const std::string& text, const char* list) {
  Answer answer{json.dump(), text, note_of(json)};
  for (const Json& each : json.value(list, Json::array())) {
    answer.lines.push_back(each.dump());
  }
  return answer;
}

Result<Answer> payments(const Session& session, const HistoryFlags& flags) {
  Result<std::string> query = query_of(flags);
  Result<Json> json = query ? ask(session, "/query/payments" + *query) : Unexpected(query.error());
  if (!json) {
    return Unexpected(json.error());
  }
  TextTable table({"ACCEPTED", "STATUS", "FROM", "TO", "AMOUNT", "CURRENCY", "REFUSAL", "ID"});
  for (const Json& each : json->value("payments", Json::array())) {
    table.add({time_in(each, "accepted_at_ms"), text_in(each, "status"), text_in(each, "from"),
               text_in(each, "to"), text_in(each, "amount"), text_in(each, "currency"),
               text_in(each, "refusal"), text_in(each, "payment_id")});
  }
  return answer_of(*json, table.text(), "payments");
}

std::string place_text(const Json& place) {
  return text_in(place, "topic") + "/" + text_in(place, "partition") + " at " +
         text_in(place, "offset") + "." + text_in(place, "index");
}

std::string sender_text(const Json& hop) {
  const Json sender = hop.value("sender", Json::object());
  if (sender.empty()) {
    return text_in(hop, "what") == "result" ? "confirmed" : "a client";
  }
  const std::string version = text_in(sender, "logic_version");
  return text_in(sender, "stage") + "/" + text_in(sender, "partition") + " on " +
         text_in(sender, "instance") + (version.empty() ? "" : ", logic " + version);
}

std::string effect_text(const Json& hop) {
  const Json posting = hop.value("posting", Json::object());
  return posting.empty() ? std::string()
                         : text_in(posting, "account") + " " + text_in(posting, "before") + " -> " +
                               text_in(posting, "after");
}

Result<Answer> journey(const Session& session, const HistoryFlags& flags) {
  const std::optional<Uuid> id = parse_uuid(flags.id);
  if (!id) {
    return Unexpected(ErrorCode::invalid, "\"" + flags.id + "\" is no UUID");
  }
  Result<Json> json = ask(session, "/query/payments/" + to_string(*id));
  if (!json) {
    return Unexpected(json.error());
  }
  const Json payment = json->value("payment", Json::object());
  std::string text = text_in(payment, "kind") + " " + text_in(payment, "payment_id") + ": " +
                     text_in(payment, "status");
  const std::string refusal = text_in(payment, "refusal");
  text += refusal.empty() ? "" : " (" + refusal + ")";
  text += ", " + text_in(payment, "amount") + " " + text_in(payment, "currency") + " " +
          text_in(payment, "from") + " -> " + text_in(payment, "to") + "\n";
  TextTable table({"APPENDED", "AFTER MS", "WHAT", "WHERE", "BY", "BALANCE"});
  for (const Json& hop : json->value("hops", Json::array())) {
    const std::string says = text_in(hop, "says");
    table.add({time_in(hop, "appended_at_ms"), text_in(hop, "passed_ms"),
               text_in(hop, "what") + (says.empty() ? "" : " " + says),
               place_text(hop.value("place", Json::object())), sender_text(hop), effect_text(hop)});
  }
  return answer_of(*json, text + table.text(), "hops");
}

std::string postings_text(const Json& list) {
  TextTable table({"POSTED", "KIND", "AMOUNT", "BALANCE", "COUNTERPARTY", "ID"});
  for (const Json& each : list) {
    table.add({time_in(each, "posted_at_ms"), text_in(each, "kind"), text_in(each, "amount"),
               text_in(each, "balance"), text_in(each, "counterparty"), text_in(each, "id")});
  }
  return table.text();
}

Result<Answer> of_account(const Session& session, const HistoryFlags& flags,
                          const std::string& what) {
  const Result<std::string> query = query_of(flags);
  Result<Json> json =
      query
          ? ask(session, "/query/accounts/" + http::percent_encode(flags.id) + "/" + what + *query)
          : Unexpected(query.error());
  if (!json) {
    return Unexpected(json.error());
  }
  if (what == "postings") {
    return answer_of(*json, postings_text(json->value("postings", Json::array())), "postings");
  }
  const std::string currency = text_in(*json, "currency");
  const std::string text = "opening " + text_in(*json, "opening") + " " + currency + "\n" +
                           postings_text(json->value("lines", Json::array())) + "closing " +
                           text_in(*json, "closing") + " " + currency + "\n";
  return answer_of(*json, text, "lines");
}

void add_range(CLI::App& command, const Flags& flags, int limit_max) {
  command.add_option("--from", flags->from, "At or after: a date, or a time in UTC");
  command.add_option("--to", flags->to, "Before: a date, or a time in UTC");
  command.add_option("--limit", flags->limit, "Lines of a page [50]")
      ->check(CLI::Range(1, limit_max));
  command.add_option("--cursor", flags->cursor, "Where the page before ended");
}

}  // namespace

void add_payment_history(CLI::App& app, Session& session) {
  const Flags flags = std::make_shared<HistoryFlags>();
  CLI::App* list =
      app.add_subcommand("list", "Show payments, newest first, as the journal has them");
  list->add_option("--account", flags->account, "Only those that it paid or got");
  list->add_option("--status", flags->status, "Only those")
      ->check(CLI::IsMember({"accepted", "in_flight", "completed", "failed", "rejected"}));
  add_range(*list, flags, 500);
  add_jsonl(*list, session);
  list->callback([&session, flags] {
    session.chosen = [&session, flags] { return payments(session, *flags); };
  });
  CLI::App* one = app.add_subcommand("journey", "Show every hop of a payment or account command");
  one->add_option("ID", flags->id, "The payment's or command's id")->required();
  add_jsonl(*one, session);
  one->callback([&session, flags] {
    session.chosen = [&session, flags] { return journey(session, *flags); };
  });
}

void add_account_history(CLI::App& app, Session& session) {
  const Flags flags = std::make_shared<HistoryFlags>();
  for (const auto& [name, about, limit_max] :
       {std::tuple("postings", "Show what changed an account's balance, newest first", 500),
        std::tuple("statement", "Show an account's opening, lines and closing", 5'000)}) {
    CLI::App* command = app.add_subcommand(name, about);
    command->add_option("ID", flags->id, "The account")->required();
    add_range(*command, flags, limit_max);
    add_jsonl(*command, session);
    command->callback([&session, flags, what = std::string(name)] {
      session.chosen = [&session, flags, what] { return of_account(session, *flags, what); };
    });
  }
}

}  // namespace kpay::ctl
