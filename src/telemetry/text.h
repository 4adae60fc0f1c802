// How any bytes become text that a log line, a JSON document or a metrics page can hold.
#pragma once

#include <string>
#include <string_view>

namespace kpay::telemetry {

/// Appends a JSON string with its quotes. Bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view bytes);
/// Appends a logfmt value: bare when it can be, else quoted and escaped as in JSON.
void append_logfmt_value(std::string& out, std::string_view bytes);
/// The shortest text that reads back as the same number; "NaN", "+Inf", "-Inf" as Prometheus has
/// them.
[[nodiscard]] std::string number_text(double value);

}  // namespace kpay::telemetry
