#include "http/daemon_endpoints.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "http/json.h"
#include "http/limits.h"
#include "telemetry/metrics.h"

namespace kpay::http {
namespace {

Response verdict_response(const char* name, const Verdict& verdict) {
  JsonObject json;
  json.add(name, verdict.ok).add("reason", verdict.reason);
  return json_response(json.finish(), verdict.ok ? 200 : 503);
}

Response bad_request(const std::string& detail) {
  return problem_response({.status = 400, .detail = detail});
}

Response error_response(const Error& error) {
  switch (error.code) {
    case ErrorCode::invalid: return bad_request(error.message);
    case ErrorCode::not_found: return problem_response({.status = 404, .detail = error.message});
    case ErrorCode::unavailable:
    case ErrorCode::fenced: {
      Response response = problem_response({.status = 503, .detail = error.message});
      response.headers.emplace_back("Retry-After", std::to_string(limits::retry_after_seconds));
      return response;
    }
    default: return problem_response({.status = 500, .detail = "The table could not be read."});
  }
}

// The problem of a table that is not there; nothing when it is.
std::optional<Response> unknown_table(const DaemonEndpoints& endpoints, const std::string& table) {
  const std::vector<std::string> names = endpoints.tables();
  if (std::find(names.begin(), names.end(), table) != names.end()) {
    return std::nullopt;
  }
  return problem_response({.status = 404,
                           .detail = "There is no table " + table + " here.",
                           .lists = {{"tables", names}}});
}

std::optional<Response> bad_text(std::string_view name, std::string_view text) {
  if (text.size() <= limits::key_bytes_max) {
    return std::nullopt;
  }
  return bad_request(std::string(name) + " is too long: at most " +
                     std::to_string(limits::key_bytes_max) + " bytes.");
}

std::optional<std::size_t> parse_limit(std::string_view text) {
  if (text.empty()) {
    return limits::rows_default;
  }
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && value >= 1 && value <= limits::rows_max ? std::optional(value) : std::nullopt;
}

Response list_tables(const DaemonEndpoints& endpoints) {
  JsonArray names;
  for (const std::string& name : endpoints.tables()) {
    names.add(name);
  }
  JsonObject json;
  json.add_json("tables", names.finish());
  return json_response(json.finish());
}

Response get_row(const DaemonEndpoints& endpoints, const Request& request) {
  const std::string& table = request.params.at("table");
  const std::string& key = request.params.at("key");
  if (std::optional<Response> problem = unknown_table(endpoints, table)) {
    return *std::move(problem);
  }
  if (std::optional<Response> problem = bad_text("The key", key)) {
    return *std::move(problem);
  }
  const Result<std::optional<std::string>> row = endpoints.table_get(table, key);
  if (!row) {
    return error_response(row.error());
  }
  if (!row->has_value()) {
    return problem_response(
        {.status = 404, .detail = "The table " + table + " has no row " + key + "."});
  }
  JsonObject json;
  json.add("table", table).add("key", key).add_json("row", **row);
  return json_response(json.finish());
}

std::string page_json(const std::string& table, const TablePage& page) {
  JsonArray rows;
  for (const TableRow& row : page.rows) {
    JsonObject json;
    json.add("key", row.key).add_json("row", row.json);
    rows.add_json(json.finish());
  }
  JsonObject json;
  json.add("table", table).add_json("rows", rows.finish());
  if (page.next.empty()) {
    json.add_null("next");
  } else {
    json.add("next", page.next);
  }
  return json.finish();
}

Response get_range(const DaemonEndpoints& endpoints, const Request& request) {
  const std::string& table = request.params.at("table");
  if (std::optional<Response> problem = unknown_table(endpoints, table)) {
    return *std::move(problem);
  }
  for (const auto& [name, value] : request.query) {
    if (name != "from" && name != "to" && name != "limit" && name != "cursor") {
      return bad_request("There is no parameter " + name + "; there are from, to, limit, cursor.");
    }
    if (std::optional<Response> problem = bad_text(name, value)) {
      return *std::move(problem);
    }
  }
  const std::optional<std::size_t> limit = parse_limit(Request::get(request.query, "limit"));
  if (!limit) {
    return bad_request("limit is out of bounds; write a whole number from 1 to " +
                       std::to_string(limits::rows_max) + ".");
  }
  const TableRange range{std::string(Request::get(request.query, "from")),
                         std::string(Request::get(request.query, "to")), *limit,
                         std::string(Request::get(request.query, "cursor"))};
  const Result<TablePage> page = endpoints.table_range(table, range);
  if (!page) {
    return error_response(page.error());
  }
  check(page->rows.size() <= *limit, "a page has at most as many rows as were asked for");
  return json_response(page_json(table, *page));
}

}  // namespace

void add_daemon_endpoints(Router& router, const DaemonEndpoints& endpoints) {
  check(endpoints.healthy && endpoints.ready && endpoints.metrics && endpoints.status &&
            endpoints.tables && endpoints.table_get && endpoints.table_range,
        "every callback of the daemon's endpoints is set");
  router.add("GET", "/healthz", [endpoints](const Request&) {
    return verdict_response("healthy", endpoints.healthy());
  });
  router.add("GET", "/readyz",
             [endpoints](const Request&) { return verdict_response("ready", endpoints.ready()); });
  router.add("GET", "/metrics", [endpoints](const Request&) {
    return text_response(endpoints.metrics(), telemetry::Metrics::content_type);
  });
  router.add("GET", "/status",
             [endpoints](const Request&) { return json_response(endpoints.status()); });
  router.add("GET", "/tables", [endpoints](const Request&) { return list_tables(endpoints); });
  router.add("GET", "/tables/{table}",
             [endpoints](const Request& request) { return get_range(endpoints, request); });
  router.add("GET", "/tables/{table}/{key}",
             [endpoints](const Request& request) { return get_row(endpoints, request); });
}

}  // namespace kpay::http
