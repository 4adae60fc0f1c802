// Exit: how kpayctl ends.
#pragma once

#include "daemons/tool/exit.h"

namespace kpay::ctl {

using tool::Exit;
using tool::exit_of;

}  // namespace kpay::ctl
