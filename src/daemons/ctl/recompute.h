// Recompute: `books recompute`.
#pragma once

#include "daemons/ctl/cli.h"

namespace kpay::ctl {

void add_recompute(CLI::App& books, Session& session);

}  // namespace kpay::ctl
