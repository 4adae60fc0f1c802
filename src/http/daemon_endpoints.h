// DaemonEndpoints: what every daemon serves over HTTP. docs/http-tables.md has the shapes.
//
//   /healthz  /readyz  /metrics  /status  /tables  /tables/{table}  /tables/{table}/{key}
//
// The callbacks are called by the server's threads, several at a time, and must come back soon:
// one that can't have its task's attention in time gives ErrorCode::unavailable (503, Retry-After).
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "http/router.h"

namespace kpay::http {

struct Verdict {
  bool ok = false;
  std::string reason{};  ///< why not; or, when ok, anything worth saying
};

struct TableRow {
  std::string key;   ///< as text; what table_get() takes
  std::string json;  ///< an object: the row's fields
};

/// Which rows are wanted, in the order of keys.
struct TableRange {
  std::string from{};  ///< the first key as text; empty: from the beginning
  std::string to{};    ///< the first key beyond, as text; empty: to the end
  std::size_t limit = 0;
  std::string cursor{};  ///< a page's `next`, to go on after that page; empty: the first page
};

struct TablePage {
  std::vector<TableRow> rows{};  ///< at most TableRange::limit
  std::string next{};            ///< the cursor of the next page; empty: this was the last one
};

/// Errors of both table callbacks: not_found (no such table here), invalid (a key or cursor that
/// names nothing), unavailable (busy, or not restored).
struct DaemonEndpoints {
  std::function<Verdict()> healthy;
  std::function<Verdict()> ready;
  std::function<std::string()> metrics;              ///< Metrics::render()
  std::function<std::string()> status;               ///< a JSON object
  std::function<std::vector<std::string>()> tables;  ///< names
  std::function<Result<std::optional<std::string>>(const std::string& table,
                                                   const std::string& key)>
      table_get;
  std::function<Result<TablePage>(const std::string& table, const TableRange& range)> table_range;
};

/// REQUIRES: every callback is set.
void add_daemon_endpoints(Router& router, const DaemonEndpoints& endpoints);

}  // namespace kpay::http
