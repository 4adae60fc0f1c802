// The command line of kpay-gateway: daemons/service/plain_app.h.
#pragma once

namespace kpay::gateway {

/// The process's exit code (daemons/service/exit_codes.h).
int run_app(int argc, char** argv);

}  // namespace kpay::gateway
