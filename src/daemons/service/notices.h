// Notices: what tasks tell, as events of the telemetry catalogue.
#pragma once

#include "stream/stage.h"
#include "stream/task.h"
#include "telemetry/telemetry.h"

namespace kpay::daemons {

/// Thread-safe, as Telemetry is.
void emit_notice(telemetry::Telemetry& telemetry, const stream::StageSpec& spec,
                 std::int32_t partition, const stream::TaskNotice& notice);

}  // namespace kpay::daemons
