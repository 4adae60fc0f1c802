// History: the commands that ask the journal's query side (docs/query.md).
#pragma once

#include "daemons/ctl/cli.h"

namespace kpay::ctl {

/// `payments list` and `payments journey`.
void add_payment_history(CLI::App& payments, Session& session);
/// `accounts postings` and `accounts statement`.
void add_account_history(CLI::App& accounts, Session& session);

}  // namespace kpay::ctl
