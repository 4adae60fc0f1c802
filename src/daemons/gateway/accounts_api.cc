// Accounts: open one, ask for one, page through all.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "base/time.h"
#include "daemons/ctl/outcome_watch.h"
#include "daemons/gateway/account.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::json;

std::string text_in(const Json& row, const char* name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

http::Response get(Live& live, const http::Request& request) {
  const std::string& text = request.params.at("id");
  const std::optional<core::AccountId> account = core::AccountId::parse(text);
  if (!account) {
    return to_response({.code = Code::not_found,
                        .detail = "\"" + text + "\" is no account id.",
                        .field = "id",
                        .expected = "1 to 34 characters of A-Z a-z 0-9 . _ : -"});
  }
  const std::int32_t partition = partition_of(account->view(), live.partitions());
  const Result<std::optional<std::string>> row =
      live.watcher().tables().get("account", "accounts", text, partition);
  if (!row) {
    return to_response({.code = Code::partition_unavailable,
                        .detail = row.error().message,
                        .missing = {"account/" + std::to_string(partition)}});
  }
  if (!*row) {
    return to_response({.code = Code::not_found, .detail = "There is no account " + text + "."});
  }
  return http::json_response(account_json(text, **row, wall_clock_now().ms));
}

// A page over all instances, in the order of their ids: "instance~its own cursor". One that doesn't
// answer is skipped and its partitions are named.
struct Page {
  std::vector<ctl::Row> rows;
  std::string next;
  std::vector<std::string> missing;
};

Page read_page(const ctl::HttpTables& tables, std::size_t limit, const std::string& cursor) {
  Page page;
  for (const std::int32_t partition : tables.unserved("account")) {
    page.missing.push_back("account/" + std::to_string(partition));
  }
  const std::size_t mark = cursor.find('~');
  const std::string at = cursor.substr(0, mark);
  for (const ctl::Instance& instance : tables.serving("account")) {
    if (instance.id < at) {
      continue;
    }
    if (page.rows.size() == limit) {
      page.next = instance.id + "~";
      break;
    }
    const bool same = instance.id == at && mark != std::string::npos;
    Result<ctl::RowPage> part =
        tables.page_of(instance, "account", "accounts", limit - page.rows.size(),
                       same ? cursor.substr(mark + 1) : "");
    if (!part) {
      for (const std::int32_t partition : instance.stages.at("account")) {
        page.missing.push_back("account/" + std::to_string(partition));
      }
      continue;
    }
    std::move(part->rows.begin(), part->rows.end(), std::back_inserter(page.rows));
    if (!part->next.empty()) {
      page.next = instance.id + "~" + part->next;
      break;
    }
  }
  return page;
}

http::Response list(Live& live, const http::Request& request) {
  std::optional<Problem> problem;
  const std::size_t limit = page_limit(request, problem);
  if (problem) {
    return to_response(*problem);
  }
  const Page page = read_page(live.watcher().tables(), limit,
                              std::string(http::Request::get(request.query, "cursor")));
  http::JsonArray accounts;
  for (const ctl::Row& row : page.rows) {
    accounts.add_json(account_json(row.key, row.json));
  }
  http::JsonObject json;
  json.add("as_of_ms", wall_clock_now().ms).add_json("accounts", accounts.finish());
  page.next.empty() ? json.add_null("next") : json.add("next", page.next);
  json.add_json("missing_partitions", texts_json(page.missing));
  return http::json_response(json.finish());
}

std::string command_json(const Uuid& id, const std::string& account, const std::string& status,
                         const std::string& refusal) {
  http::JsonObject json;
  json.add("command_id", to_string(id)).add("account", account).add("status", status);
  refusal.empty() || refusal == "none" ? json.add_null("refusal") : json.add("refusal", refusal);
  return json.add("status_url", "/api/v1/commands/" + to_string(id)).finish();
}

http::Response accepted(const core::OpenAccount& open) {
  const Uuid& id = open.command.value();
  http::Response response =
      http::json_response(command_json(id, std::string(open.account.text()), "accepted", ""), 202);
  response.headers.emplace_back("Location", "/api/v1/commands/" + to_string(id));
  return response;
}

// The row of settle.commands: {status, refusal}; nothing when there is none yet.
std::optional<std::pair<std::string, std::string>> look_up(Live& live, const Uuid& id) {
  const Result<std::optional<std::string>> row = live.watcher().tables().get(
      "settle", "commands", to_string(id), partition_of(id.view(), live.partitions()));
  if (!row || !*row) {
    return std::nullopt;
  }
  const Json json = Json::parse(**row, nullptr, false);
  return std::pair(text_in(json, "status"), text_in(json, "refusal"));
}

http::Response open_account(Live& live, const http::Request& request) {
  Uuid id;
  std::optional<Problem> problem = read_key(request, id);
  std::optional<Problem> bad_wait;
  const std::int64_t seconds = wait_seconds(request, bad_wait);
  if (problem || bad_wait) {
    return to_response(problem ? *problem : *bad_wait);
  }
  Form form(request.body);
  core::OpenAccount open;
  open.command = core::CommandId(id);
  open.account = form.account("account");
  open.opening = form.money("opening", false);
  if ((problem = form.problem())) {
    return to_response(*problem);
  }
  Outcomes::Waiter waiter(live.outcomes(), id);
  if (Result<void> sent = live.submitter().submit_and_wait(open); !sent) {
    return to_response({.code = Code::cluster_unavailable, .detail = sent.error().message});
  }
  const std::string account(open.account.text());
  const std::int64_t deadline = monotonic_ms() + seconds * 1000;
  for (std::int64_t left = seconds * 1000; left > 0; left = deadline - monotonic_ms()) {
    const std::optional<core::Outcome> outcome =
        waiter.wait(std::chrono::milliseconds(std::min(left, limits::look_ms)));
    if (outcome) {
      const core::Refusal refusal = ctl::refusal_in(*outcome);
      return http::json_response(
          command_json(id, account, ctl::status_text(*outcome),
                       refusal == core::Refusal::none ? "" : std::string(to_string(refusal))));
    }
    if (const auto row = look_up(live, id)) {
      return http::json_response(command_json(id, account, row->first, row->second));
    }
  }
  return accepted(open);
}

http::Response get_command(Live& live, const http::Request& request) {
  const std::string& text = request.params.at("id");
  const std::optional<Uuid> id = parse_uuid(text);
  if (!id) {
    return to_response({.code = Code::not_found,
                        .detail = "\"" + text + "\" is no command id.",
                        .field = "id",
                        .expected = "a UUID of version 7"});
  }
  const std::int32_t partition = partition_of(id->view(), live.partitions());
  const Result<std::optional<std::string>> row =
      live.watcher().tables().get("settle", "commands", to_string(*id), partition);
  if (!row) {
    return to_response({.code = Code::partition_unavailable,
                        .detail = row.error().message,
                        .missing = {"settle/" + std::to_string(partition)}});
  }
  if (!*row) {
    return to_response({.code = Code::not_found,
                        .detail = "No account command " + to_string(*id) + " has ended."});
  }
  const Json json = Json::parse(**row, nullptr, false);
  return http::json_response(command_json(*id, text_in(json, "account"), text_in(json, "status"),
                                          text_in(json, "refusal")));
}

}  // namespace

void add_accounts_api(http::Router& router, const ApiParts& parts) {
  add_write(router, parts, "/accounts", open_account);
  add_read(router, parts, "/accounts", list);
  add_read(router, parts, "/accounts/{id}", get);
  add_read(router, parts, "/commands/{id}", get_command);
}

}  // namespace kpay::gateway
