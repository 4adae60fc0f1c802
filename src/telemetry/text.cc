#include "telemetry/text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

#include "base/utf8.h"

namespace kpay::telemetry {
namespace {

void append_escaped(std::string& out, char c) {
  switch (c) {
    case '"': out += "\\\""; return;
    case '\\': out += "\\\\"; return;
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    default: break;
  }
  const auto value = static_cast<unsigned char>(c);
  if (value >= 0x20 && value != 0x7f) {
    out += c;
    return;
  }
  char code[8];
  std::snprintf(code, sizeof code, "\\u%04x", static_cast<unsigned>(value));
  out += code;
}

}  // namespace

void append_json_string(std::string& out, std::string_view bytes) {
  out += '"';
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) {
      out += "\xef\xbf\xbd";
    } else if (length == 1) {
      append_escaped(out, bytes.front());
    } else {
      out += bytes.substr(0, length);
    }
    bytes.remove_prefix(length == 0 ? 1 : length);
  }
  out += '"';
}

void append_logfmt_value(std::string& out, std::string_view bytes) {
  bool bare = !bytes.empty();
  for (const char c : bytes) {
    const auto value = static_cast<unsigned char>(c);
    bare = bare && value > 0x20 && value < 0x7f && c != '"' && c != '=' && c != '\\';
  }
  if (bare) {
    out += bytes;
  } else {
    append_json_string(out, bytes);
  }
}

std::string number_text(double value) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "+Inf" : "-Inf";
  }
  constexpr double kExact = 9007199254740992.0;  // 2^53
  char text[64];
  const bool whole = std::trunc(value) == value && std::fabs(value) < kExact;
  const auto [end, error] =
      whole ? std::to_chars(text, text + sizeof text, static_cast<std::int64_t>(value))
            : std::to_chars(text, text + sizeof text, value);
  return error == std::errc{} ? std::string(text, end) : "NaN";
}

}  // namespace kpay::telemetry
