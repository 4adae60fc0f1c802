#include "daemons/service/endpoints.h"

namespace kpay::daemons {

namespace {

// Tables are named "stage.table".
std::pair<std::string, std::string> split(const std::string& name) {
  const std::size_t dot = name.find('.');
  return dot == std::string::npos ? std::pair(name, std::string())
                                  : std::pair(name.substr(0, dot), name.substr(dot + 1));
}

Result<std::optional<std::string>> get_row(kafka::Runner& runner, const std::string& table,
                                           const std::string& key) {
  const auto [stage, name] = split(table);
  Result<std::optional<stream::Fields>> row = runner.table_get(stage, name, key);
  if (!row) {
    return Unexpected(row.error());
  }
  return *row ? std::optional(fields_json(**row)) : std::optional<std::string>();
}

Result<http::TablePage> get_range(kafka::Runner& runner, const std::string& table,
                                  const http::TableRange& range) {
  kafka::RangeQuery query;
  std::tie(query.stage, query.table) = split(table);
  query.from = range.from;
  query.to = range.to;
  query.limit = range.limit;
  query.cursor = range.cursor;
  Result<kafka::TableRows> rows = runner.table_range(query);
  if (!rows) {
    return Unexpected(rows.error());
  }
  http::TablePage page;
  page.next = std::move(rows->next);
  for (auto& [key, fields] : rows->rows) {
    page.rows.push_back({std::move(key), fields_json(fields)});
  }
  return page;
}

}  // namespace

void add_endpoints(http::Router& router, const EndpointParts& parts) {
  http::DaemonEndpoints endpoints;
  kafka::Runner* runner = parts.runner;
  endpoints.healthy = [] { return http::Verdict{true, {}}; };
  endpoints.ready = parts.ready;
  endpoints.metrics = [telemetry = parts.telemetry] { return telemetry->metrics().render(); };
  endpoints.status = [status = parts.status] { return status_json(status()); };
  endpoints.tables = [runner] { return runner->table_names(); };
  endpoints.table_get = [runner](const std::string& table, const std::string& key) {
    return get_row(*runner, table, key);
  };
  endpoints.table_range = [runner](const std::string& table, const http::TableRange& range) {
    return get_range(*runner, table, range);
  };
  http::add_daemon_endpoints(router, endpoints);
}

}  // namespace kpay::daemons
