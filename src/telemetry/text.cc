#include "telemetry/text.h"

#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace kpay::telemetry {
namespace {

// The length of the UTF-8 character at the head of `bytes`; 0 when there is none (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF).
std::size_t utf8_length(std::string_view bytes) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < bytes.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned head = byte(0);
  if (head < 0x80) {
    return 1;
  }
  if (head >= 0xc2 && head <= 0xdf) {
    return follows(1) ? 2 : 0;
  }
  if (head >= 0xe0 && head <= 0xef) {
    const unsigned low = head == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = head == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (head >= 0xf0 && head <= 0xf4) {
    const unsigned low = head == 0xf0 ? 0x90 : 0x80;
    const unsigned high = head == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

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
