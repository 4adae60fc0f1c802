// Telemetry: the log and the metrics of one process, and the one way to say that something
// happened: emit(event).
//
// One per process, made by its main and handed down by reference; it outlives all threads.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "base/check.h"
#include "telemetry/events.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace kpay::telemetry {

class Telemetry {
 public:
  /// Registers every metric of families.h, and a counter at 0 for every event of events.h.
  explicit Telemetry(LogOptions options = {});

  /// Counts the event (kpay_events_total) and writes its line. Any thread.
  template <Event E>
  void emit(const E& event) {
    count(E::name);
    if (E::level < log_.level()) {
      return;
    }
    LogFields fields;
    event.fields([&](std::string_view name, const auto& value) {
      fields.push_back({name, log_value(value)});
    });
    log_.write(E::level, E::name, E::about, fields);
  }

  [[nodiscard]] Log& log() noexcept { return log_; }
  [[nodiscard]] Metrics& metrics() noexcept { return metrics_; }

 private:
  void count(std::string_view event);

  Log log_;
  Metrics metrics_;
  std::map<std::string_view, Counter*> counters_;  // unchanged after the constructor
};

/// docs/telemetry.md, whole: a test keeps the file equal to it.
[[nodiscard]] std::string telemetry_page();

}  // namespace kpay::telemetry
