// What clients send over HTTP: targets, heads, and what the daemons' and the gateway's routes make
// of them.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/page.h"
#include "fuzz/stage_tables.h"
#include "fuzz/target.h"
#include "http/daemon_endpoints.h"
#include "http/exchange.h"
#include "http/limits.h"
#include "http/target.h"

namespace kpay::fuzz {

namespace {

bool is_token_char(char c) {
  constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
         kOthers.find(c) != std::string_view::npos;
}

bool is_token(std::string_view name) {
  return !name.empty() && std::all_of(name.begin(), name.end(), is_token_char);
}

void check_head(const http::Head& head) {
  check(!head.method.empty() && !head.target.empty(), "a head has a method and a target");
  check(head.body_bytes <= http::limits::body_bytes_max, "a body is within its limit");
  // A head that ends early has its last lines as fields, too.
  check(head.headers.size() <= static_cast<std::size_t>(http::limits::header_fields_max) + 2,
        "no more header fields are taken than the limit");
  check(!head.headers.contains("transfer-encoding"), "a body comes in one piece");
  for (const auto& [name, value] : head.headers) {
    check(is_token(name), "a header's name is a token of RFC 9110, in lower case");
    check(value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos,
          "a header's value is one line");
  }
}

// A head that can be sent: one status line, headers, one empty line, and nothing behind it.
void check_answer(const http::Response& response) {
  check(http::reason_phrase(response.status) != "Unknown", "an answer has a status that is known");
  const std::string head = http::response_head(response, true);
  check(head.ends_with("\r\n\r\n") && head.find("\r\n\r\n") == head.size() - 4,
        "an answer's head ends once");
  for (std::size_t at = head.find('\n'); at != std::string::npos; at = head.find('\n', at + 1)) {
    check(at > 0 && head[at - 1] == '\r', "lines of a head end in CR LF");
  }
  const bool is_plain = std::none_of(response.headers.begin(), response.headers.end(),
                                     [](const auto& h) { return h.first == "Content-Encoding"; });
  if (is_plain && response.content_type.ends_with("json") && !response.body.empty()) {
    check(nlohmann::json::accept(response.body), "a JSON answer is JSON");
  }
  check(response.status < 400 || !response.body.empty(), "a refusal says why");
}

// Reads the head, up to the empty line, and hands it with what follows to the routes.
void exchange(const http::Router& router, std::string_view text) {
  const std::size_t end = std::min(text.find("\r\n\r\n"), text.size());
  const std::string head_text(text.substr(0, std::min(end + 4, text.size())));
  const auto parsed = http::parse_head(head_text, http::limits::body_bytes_max);
  if (const auto* problem = std::get_if<http::Problem>(&parsed)) {
    check(problem->status >= 400 && problem->status < 500 && !problem->detail.empty(),
          "a head is refused with a reason");
    check_answer(http::problem_response(*problem));
    return;
  }
  const auto& head = std::get<http::Head>(parsed);
  check_head(head);
  http::Request request;
  request.body = text.substr(head_text.size());
  request.remote = "127.0.0.1:1";
  const http::Outcome outcome = http::dispatch(router, head, std::move(request));
  check(!outcome.failed, "no handler throws");
  check(!outcome.route.empty() && !http::method_label(head.method).empty(),
        "an exchange has labels for metrics");
  check_answer(outcome.response);
}

stream::TableBase* named(const StageTables& tables, const std::string& name) {
  const auto at = std::find(tables.names().begin(), tables.names().end(), name);
  return at == tables.names().end()
             ? nullptr
             : tables.all()[static_cast<std::size_t>(at - tables.names().begin())];
}

http::Router table_routes(const StageTables& tables) {
  http::DaemonEndpoints endpoints;
  endpoints.healthy = [] { return http::Verdict{true, {}}; };
  endpoints.ready = [] { return http::Verdict{false, "restoring"}; };
  endpoints.metrics = [] { return std::string("# EOF\n"); };
  endpoints.status = [] { return std::string("{}"); };
  endpoints.tables = [&tables] { return tables.names(); };
  endpoints.table_get = [&tables](const std::string& table, const std::string& key) {
    using Answer = Result<std::optional<std::string>>;
    check(key.size() <= http::limits::key_bytes_max, "keys are within their limit");
    const std::optional<Bytes> bytes = named(tables, table)->key_from_text(key);
    if (!bytes) {
      return Answer(Unexpected(ErrorCode::invalid, "'" + key + "' is no key"));
    }
    const std::string text = named(tables, table)->key_text(*bytes);
    check(named(tables, table)->key_from_text(text) == bytes, "a key's text names it");
    return Answer(std::optional<std::string>("{}"));
  };
  endpoints.table_range = [](const std::string&, const http::TableRange& range) {
    check(range.limit >= 1 && range.limit <= http::limits::rows_max &&
              range.from.size() <= http::limits::key_bytes_max &&
              range.cursor.size() <= http::limits::key_bytes_max,
          "a range is within its limits");
    http::TablePage page;
    page.rows.push_back({range.from, "{}"});
    page.next = range.cursor;
    return Result<http::TablePage>(std::move(page));
  };
  http::Router router;
  http::add_daemon_endpoints(router, endpoints);
  return router;
}

http::Router api_routes() {
  gateway::ApiParts parts;
  parts.live = [] { return std::shared_ptr<gateway::Live>(); };
  http::Router router;
  gateway::add_payments_api(router, parts);
  gateway::add_batch_api(router, parts);
  gateway::add_accounts_api(router, parts);
  gateway::add_history_api(router, parts);
  gateway::add_pipeline_api(router, parts);
  gateway::add_load_api(router, parts);
  gateway::add_system_api(router, parts);
  gateway::add_page(router);
  return router;
}

}  // namespace

void run_target(ByteView input) {
  const std::string_view raw = as_text(input);
  const std::string escaped = http::percent_encode(raw);
  const std::optional<std::string> back = http::percent_decode(escaped, true);
  check(raw.find('\0') != std::string_view::npos ? !back : back == raw,
        "what is escaped is the same when it is read");
  const std::optional<http::Target> target = http::parse_target(raw);
  if (!target) {
    return;
  }
  std::string again = "/";
  for (const std::string& segment : target->segments) {
    check(!segment.empty() && segment.find('\0') == std::string::npos, "segments have text");
    again += http::percent_encode(segment) + "/";
  }
  std::string mark = "?";
  for (const auto& [name, value] : target->query) {
    check(value.find('\0') == std::string::npos, "values have no byte 0");
    again += mark + http::percent_encode(name) + "=" + http::percent_encode(value);
    mark = "&";
  }
  const std::optional<http::Target> second = http::parse_target(again);
  check(second && second->segments == target->segments && second->query == target->query,
        "a target that is written again is the same");
}

void run_tables(ByteView input) {
  static const StageTables tables;
  static const http::Router router = table_routes(tables);
  exchange(router, as_text(input));
}

void run_api(ByteView input) {
  static const http::Router router = api_routes();
  exchange(router, as_text(input));
}

}  // namespace kpay::fuzz
