// Journal: the process, from its configuration to its end.
#pragma once

#include "config/journal_config.h"
#include "daemons/service/service.h"

namespace kpay::journal {

/// Follows until SIGTERM or SIGINT; gives the exit code (daemons/service/exit_codes.h).
int run_journal(const config::JournalConfig& config, const daemons::BuildInfo& build);

/// Does everything but run: reaches the cluster and asks for its topics.
int check_journal(const config::JournalConfig& config);

}  // namespace kpay::journal
