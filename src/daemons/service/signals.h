// The signals that end a daemon: waited for by its main thread, and blocked in every other one.
#pragma once

#include <csignal>

namespace kpay::daemons {

/// Blocks them, before any thread is started; and a closed connection is no signal.
[[nodiscard]] sigset_t block_signals();

}  // namespace kpay::daemons
