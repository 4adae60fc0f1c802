// DlqExport: `dlq export`.
#pragma once

#include "daemons/ctl/cli.h"

namespace kpay::ctl {

void add_dlq_export(CLI::App& dlq, Session& session);

}  // namespace kpay::ctl
