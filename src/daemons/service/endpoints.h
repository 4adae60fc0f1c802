// Endpoints: a daemon's HTTP interface over its Runner. docs/http-tables.md has the shapes.
#pragma once

#include <functional>

#include "daemons/service/status.h"
#include "http/daemon_endpoints.h"
#include "http/router.h"
#include "kafka/runner.h"
#include "telemetry/telemetry.h"

namespace kpay::daemons {

struct EndpointParts {
  kafka::Runner* runner = nullptr;
  telemetry::Telemetry* telemetry = nullptr;
  std::function<http::Verdict()> ready;
  std::function<InstanceStatus()> status;
};

void add_endpoints(http::Router& router, const EndpointParts& parts);

}  // namespace kpay::daemons
