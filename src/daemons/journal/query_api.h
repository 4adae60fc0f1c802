// The query side over HTTP: lists, journeys, postings, statements and balances as JSON, below
// /query. The gateway asks here; docs/query.md has the shapes.
#pragma once

#include <functional>
#include <memory>

#include "daemons/journal/queries.h"
#include "http/router.h"

namespace kpay::journal {

/// `queries` gives null until the cluster was reached.
void add_query_endpoints(http::Router& router, std::function<std::shared_ptr<Queries>()> queries);

}  // namespace kpay::journal
