// The catalogue of metrics: every family that a kpay process exports, with its labels.
//
// Base units (seconds, bytes), `_total` for counters, no ids in labels. docs/telemetry.md is
// written from this file. A family is exported by every process, so its series start at 0.
#pragma once

#include <array>
#include <span>
#include <string_view>

namespace kpay::telemetry {

enum class Kind { counter, gauge, histogram };
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

struct Family {
  std::string_view name;
  Kind kind = Kind::counter;
  std::string_view help;                     ///< one sentence without its full stop
  std::array<std::string_view, 3> labels{};  ///< empty ones at the end are none
  std::span<const double> buckets{};         ///< upper bounds of a histogram, rising, without +Inf

  [[nodiscard]] constexpr std::size_t label_count() const noexcept {
    std::size_t count = 0;
    while (count < labels.size() && !labels[count].empty()) {
      ++count;
    }
    return count;
  }
};

namespace families {

/// Seconds, from what a request on loopback takes to what a person notices.
inline constexpr std::array<double, 13> short_seconds{
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0};
inline constexpr Family build_info{
    "kpay_build_info", Kind::gauge, "Always 1; its labels say what runs", {"version", "commit"}};
inline constexpr Family events_total{"kpay_events_total",
                                     Kind::counter,
                                     "Events of the log, also those whose lines were suppressed",
                                     {"event"}};

inline constexpr Family input_events_total{
    "kpay_input_events_total",
    Kind::counter,
    "Events that a stage took from its input; result is applied, replayed, early or discarded (R8)",
    {"stage", "result"}};
inline constexpr Family lag_records{"kpay_consumer_lag_records",
                                    Kind::gauge,
                                    "Records between a task's position and the end of its input",
                                    {"stage", "partition"}};
inline constexpr Family lag_seconds{
    "kpay_consumer_lag_seconds",
    Kind::gauge,
    "Wall clock less the event time that a task has reached, while it has records to process",
    {"stage", "partition"}};
inline constexpr Family unacknowledged_bytes{"kpay_unacknowledged_bytes",
                                             Kind::gauge,
                                             "Output that brokers have not acknowledged (R27)",
                                             {"stage", "partition"}};
inline constexpr Family checkpoints_total{"kpay_checkpoints_total",
                                          Kind::counter,
                                          "Checkpoints whose marker was accepted (R15)",
                                          {"stage"}};
inline constexpr Family tasks{"kpay_tasks",
                              Kind::gauge,
                              "Tasks of this process; state is restoring, running or held (R23)",
                              {"stage", "state"}};

inline constexpr Family http_requests_total{"kpay_http_requests_total",
                                            Kind::counter,
                                            "Requests answered, by the route's pattern",
                                            {"route", "method", "code"}};
inline constexpr Family http_seconds{"kpay_http_request_duration_seconds",
                                     Kind::histogram,
                                     "Time from a request's head to its answer",
                                     {"route"},
                                     short_seconds};
inline constexpr Family http_connections{"kpay_http_connections", Kind::gauge,
                                         "Connections that are open"};

inline constexpr Family audit_conserved{
    "kpay_audit_conserved",
    Kind::gauge,
    "1 while what came in is what is there, at the auditor's cut, and 0 when it isn't",
    {"currency"}};
inline constexpr Family audit_lag_seconds{
    "kpay_audit_lag_seconds",
    Kind::gauge,
    "Time since everything that then stood in the log was audited",
    {"instance"}};
inline constexpr Family audit_lag_records{"kpay_audit_lag_records",
                                          Kind::gauge,
                                          "Records that stand in the log and are not audited",
                                          {"instance"}};
inline constexpr Family audit_findings_total{
    "kpay_audit_findings_total",
    Kind::counter,
    "What the auditor found in the log that can't be, since its start (docs/audit.md)",
    {"kind"}};
inline constexpr Family audit_records_total{
    "kpay_audit_records_total", Kind::counter, "Records audited since the start", {"instance"}};
inline constexpr Family audit_waiting_events{
    "kpay_audit_waiting_events",
    Kind::gauge,
    "Events whose consequence is not there, or not yet covered by a marker",
    {"instance"}};
inline constexpr Family audit_dead_letters{
    "kpay_audit_dead_letters", Kind::gauge, "Dead letters that are open (R24)", {"instance"}};

inline constexpr std::array all{
    &build_info,           &events_total,         &input_events_total,   &lag_records,
    &lag_seconds,          &unacknowledged_bytes, &checkpoints_total,    &tasks,
    &http_requests_total,  &http_seconds,         &http_connections,     &audit_conserved,
    &audit_lag_seconds,    &audit_lag_records,    &audit_findings_total, &audit_records_total,
    &audit_waiting_events, &audit_dead_letters};

}  // namespace families
}  // namespace kpay::telemetry
