#include "http/target.h"

namespace kpay::http {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  if (c >= 'a' && c <= 'f') {
    return c - 'a' + 10;
  }
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// Calls f with each part of `text` between separators; stops when f says false.
bool each_part(std::string_view text, char separator, auto&& f) {
  for (;;) {
    const std::size_t end = text.find(separator);
    if (!f(text.substr(0, end))) {
      return false;
    }
    if (end == std::string_view::npos) {
      return true;
    }
    text.remove_prefix(end + 1);
  }
}

bool add_parameter(TextMap& query, std::string_view part) {
  if (part.empty()) {
    return true;
  }
  const std::size_t equals = part.find('=');
  std::optional<std::string> name = percent_decode(part.substr(0, equals), true);
  std::optional<std::string> value = std::string();
  if (equals != std::string_view::npos) {
    value = percent_decode(part.substr(equals + 1), true);
  }
  return name && value && query.emplace(*std::move(name), *std::move(value)).second;
}

}  // namespace

std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return std::nullopt;
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus_is_space) {
      c = ' ';
    }
    if (c == '\0') {
      return std::nullopt;
    }
    out += c;
  }
  return out;
}

std::string percent_encode(std::string_view text) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto value = static_cast<unsigned char>(c);
      out += '%';
      out += kDigits[value >> 4U];
      out += kDigits[value & 15U];
    }
  }
  return out;
}

std::optional<Target> parse_target(std::string_view raw) {
  if (raw.empty() || raw.front() != '/') {
    return std::nullopt;
  }
  const std::size_t mark = raw.find('?');
  Target target;
  target.path = raw.substr(0, mark);
  const bool path_ok = each_part(target.path, '/', [&](std::string_view part) {
    std::optional<std::string> segment = percent_decode(part, false);
    if (segment && !segment->empty()) {
      target.segments.push_back(*std::move(segment));
    }
    return segment.has_value() || part.empty();
  });
  const std::string_view query = mark == std::string_view::npos ? "" : raw.substr(mark + 1);
  const bool query_ok = each_part(
      query, '&', [&](std::string_view part) { return add_parameter(target.query, part); });
  return path_ok && query_ok ? std::optional(std::move(target)) : std::nullopt;
}

}  // namespace kpay::http
