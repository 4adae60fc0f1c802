#include "daemons/journal/endpoints.h"

#include <algorithm>
#include <charconv>

#include "daemons/journal/query_api.h"
#include "http/daemon_endpoints.h"
#include "http/json.h"

namespace kpay::journal {

namespace {

using Rows = std::vector<Row>;

const Rows* table_of(const Report& report, const std::string& table) {
  return table == "findings"     ? &report.findings
         : table == "currencies" ? &report.currencies
                                 : nullptr;
}

// Keys of findings are numbers in order, those of currencies letters.
bool before(const std::string& a, const std::string& b) {
  const bool digits = !a.empty() && a.front() <= '9';
  return digits && a.size() != b.size() ? a.size() < b.size() : a < b;
}

Result<http::TablePage> page_of(const Rows& rows, const http::TableRange& range) {
  http::TablePage page;
  for (const Row& row : rows) {
    if ((!range.from.empty() && before(row.key, range.from)) ||
        (!range.cursor.empty() && before(row.key, range.cursor)) ||
        (!range.to.empty() && !before(row.key, range.to))) {
      continue;
    }
    if (page.rows.size() == range.limit) {
      page.next = row.key;
      break;
    }
    page.rows.push_back({row.key, row.json});
  }
  return page;
}

Error no_report() { return {ErrorCode::unavailable, "the cluster wasn't reached yet"}; }

Result<std::optional<std::string>> row_of(const Served& served, const std::string& table,
                                          const std::string& key) {
  const std::shared_ptr<const Report> report = served.report();
  if (report == nullptr) {
    return Unexpected(no_report());
  }
  const Rows* rows = table_of(*report, table);
  if (rows == nullptr) {
    return Unexpected(ErrorCode::not_found, "there is no table " + table);
  }
  const auto found =
      std::find_if(rows->begin(), rows->end(), [&](const Row& row) { return row.key == key; });
  return found == rows->end() ? std::optional<std::string>() : std::optional(found->json);
}

Result<http::TablePage> range_of(const Served& served, const std::string& table,
                                 const http::TableRange& range) {
  const std::shared_ptr<const Report> report = served.report();
  if (report == nullptr) {
    return Unexpected(no_report());
  }
  const Rows* rows = table_of(*report, table);
  if (rows == nullptr) {
    return Unexpected(ErrorCode::not_found, "there is no table " + table);
  }
  return page_of(*rows, range);
}

http::Verdict ready(const Served& served) {
  const std::shared_ptr<const Report> report = served.report();
  if (report == nullptr) {
    return {false, served.waiting()};
  }
  // What is wrong with the books is no reason to be thought away: it is what it is there to say.
  const bool told =
      report->caught_up || report->state == State::unproven || report->state == State::broken;
  return {told, report->reason};
}

std::string query_json(const Served& served) {
  const std::shared_ptr<Queries> queries = served.queries();
  const query::Progress progress = queries == nullptr ? query::Progress{} : queries->progress();
  return http::JsonObject()
      .add("problem", queries == nullptr ? served.waiting() : queries->problem())
      .add("as_of_ms", progress.as_of_ms)
      .add("kept_from_ms", progress.kept_from_ms)
      .add("waiting_events", progress.waiting_events)
      .add("events", progress.counts.events)
      .add("known_events", progress.counts.skipped)
      .add("auditor_waited_ms", progress.waited_ms)
      .add("changes_told", queries == nullptr ? 0 : queries->changes_told())
      .finish();
}

std::string status(const Served& served) {
  const std::shared_ptr<const Report> report = served.report();
  http::JsonObject json;
  json.add("instance", served.instance).add("daemon", "kpay-journal");
  json.add_json("tasks", "[]");
  json.add("phase", report == nullptr ? "reaching" : to_string(report->state));
  json.add("reason", report == nullptr ? served.waiting() : report->reason);
  json.add("behind_records", report == nullptr ? 0 : report->behind_records);
  json.add_json("query", query_json(served));
  return json.finish();
}

}  // namespace

void add_endpoints(http::Router& router, const Served& served) {
  http::DaemonEndpoints endpoints;
  endpoints.healthy = [] { return http::Verdict{true, {}}; };
  endpoints.ready = [served] { return ready(served); };
  endpoints.metrics = [served] { return served.telemetry->metrics().render(); };
  endpoints.status = [served] { return status(served); };
  endpoints.tables = [] { return std::vector<std::string>{"currencies", "findings"}; };
  endpoints.table_get = [served](const std::string& table, const std::string& key) {
    return row_of(served, table, key);
  };
  endpoints.table_range = [served](const std::string& table, const http::TableRange& range) {
    return range_of(served, table, range);
  };
  http::add_daemon_endpoints(router, endpoints);
  add_query_endpoints(router, served.queries);
  router.add("GET", "/audit", [served](const http::Request&) {
    const std::shared_ptr<const Report> report = served.report();
    return report == nullptr ? http::problem_response({.status = 503, .detail = served.waiting()})
                             : http::json_response(report->statement);
  });
}

}  // namespace kpay::journal
