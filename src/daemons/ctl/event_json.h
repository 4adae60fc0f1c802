// EventJson: what the bytes of an event say, for people.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"

namespace kpay::ctl {

/// As JSON, by the decoder of the topic (its name without the prefix) that the event stands on;
/// "null" when that can't read them, or there is none.
[[nodiscard]] std::string event_json(std::string_view topic, ByteView bytes);

}  // namespace kpay::ctl
