// Exit: how kpay-load ends.
#pragma once

#include "daemons/tool/exit.h"

namespace kpay::load {

using tool::Exit;
using tool::exit_of;

}  // namespace kpay::load
