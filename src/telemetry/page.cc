// The page of docs/telemetry.md.
#include <type_traits>

#include "telemetry/limits.h"
#include "telemetry/telemetry.h"

namespace kpay::telemetry {
namespace {

template <class T>
std::string_view type_name(const T& /*value*/) {
  if constexpr (std::is_same_v<T, bool>) {
    return "boolean";
  } else if constexpr (std::is_integral_v<T>) {
    return "integer";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "number";
  } else {
    return "text";
  }
}

std::string event_rows() {
  std::string rows;
  each_event([&](const auto& event) {
    std::string fields;
    event.fields([&](std::string_view name, const auto& value) {
      fields +=
          (fields.empty() ? "`" : ", `") + std::string(name) + "` " + std::string(type_name(value));
    });
    rows += "| `" + std::string(event.name) + "` | " + std::string(to_string(event.level)) + " | " +
            std::string(event.about) + " | " + fields + " |\n";
  });
  return rows;
}

std::string metric_rows() {
  std::string rows;
  for (const Family* family : families::all) {
    std::string labels;
    for (std::size_t i = 0; i < family->label_count(); ++i) {
      labels += (i == 0 ? "`" : ", `") + std::string(family->labels[i]) + "`";
    }
    rows += "| `" + std::string(family->name) + "` | " + std::string(to_string(family->kind)) +
            " | " + labels + " | " + std::string(family->help) + " |\n";
  }
  return rows;
}

}  // namespace

std::string telemetry_page() {
  return R"(# Telemetry

Written from `src/telemetry/events.h` and `src/telemetry/families.h`; a test keeps it equal. To
rewrite it: `KPAY_REWRITE_GOLDEN=1` and the test `telemetry_test`.

## Log lines

All lines go to standard error: logfmt on a terminal, one JSON object a line elsewhere
(`log.format` chooses). Fields come in this order: `ts` (RFC 3339, UTC, milliseconds), `level`,
`event`, `msg`, the process's own fields, the event's fields as below, `suppressed`. Bytes that are
not UTF-8 become U+FFFD. Where standard error is the journal, a line begins with its priority
(`<3>` error … `<7>` debug), which the journal takes off: `journalctl -p warning` works.

Of one event, )" +
         std::to_string(limits::repeats_max) + " lines are written in " +
         std::to_string(limits::repeats_window_ms / 1000) +
         R"( seconds; the next line says how many were suppressed. The counter
`kpay_events_total` counts all of them. No line holds an account, an amount, a payload or a secret.

Level error calls a person. Numbers in brackets are rules of the delivery contract.

| event | level | what happened | fields |
| --- | --- | --- | --- |
)" + event_rows() +
         R"(
## Metrics

`/metrics` serves the text exposition format 0.0.4. Counters end with `_total`; units are seconds
and bytes. Labels hold no ids of payments or accounts. Metrics are for graphs: the truth about
money is in the log, as integers.

| metric | kind | labels | what it is |
| --- | --- | --- | --- |
)" + metric_rows();
}

}  // namespace kpay::telemetry
