// What the journal serves over HTTP: the endpoints of every daemon; /audit, its statement; and
// /query, what happened.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "daemons/journal/queries.h"
#include "daemons/journal/report.h"
#include "http/router.h"
#include "telemetry/telemetry.h"

namespace kpay::journal {

struct Served {
  /// Null until the cluster was reached; then `waiting` says nothing.
  std::function<std::shared_ptr<const Report>()> report;
  std::function<std::string()> waiting;
  std::function<std::shared_ptr<Queries>()> queries;  ///< null until the cluster was reached
  telemetry::Telemetry* telemetry = nullptr;
  std::string instance;
};

void add_endpoints(http::Router& router, const Served& served);

}  // namespace kpay::journal
