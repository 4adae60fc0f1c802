#include "telemetry/telemetry.h"

namespace kpay::telemetry {

Telemetry::Telemetry(LogOptions options) : log_(std::move(options)) {
  each_event([this](const auto& event) {
    counters_[event.name] = &metrics_.counter(families::events_total, {event.name});
  });
}

void Telemetry::count(std::string_view event) {
  const auto at = counters_.find(event);
  check(at != counters_.end(), "an event is in the catalogue (AllEvents)");
  at->second->add();
}

}  // namespace kpay::telemetry
