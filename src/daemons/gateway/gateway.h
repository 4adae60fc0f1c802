// Gateway: the process, from its configuration to its end.
#pragma once

#include "config/gateway_config.h"
#include "daemons/service/service.h"

namespace kpay::gateway {

/// Serves until SIGTERM or SIGINT; gives the exit code (daemons/service/exit_codes.h).
int run_gateway(const config::GatewayConfig& config, const daemons::BuildInfo& build);

/// Does everything but run: reaches the cluster and asks for its topics.
int check_gateway(const config::GatewayConfig& config);

}  // namespace kpay::gateway
