// Interrupt: what Ctrl-C says of a command that had begun to change something, and how to go on.
#pragma once

#include <string>

namespace kpay::ctl {

/// From now on SIGINT ends the process with exit code 130, whatever it waits for.
void catch_interrupts();

/// Says this on standard error then; what was said before no longer counts. Call it BEFORE the
/// change is sent, from one thread.
void when_interrupted(const std::string& how_to_go_on);

}  // namespace kpay::ctl
