#include "daemons/load/report.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace kpay::load {

Report& Report::add(const std::string& name, std::uint64_t value) {
  members_.emplace_back(name, std::to_string(value));
  lines_.emplace_back(name, std::to_string(value));
  return *this;
}

Report& Report::add(const std::string& name, double value, int decimals) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.*f", decimals, value);
  members_.emplace_back(name, text.data());
  lines_.emplace_back(name, text.data());
  return *this;
}

Report& Report::add(const std::string& name, const std::string& text) {
  const auto replace = nlohmann::json::error_handler_t::replace;
  members_.emplace_back(name, nlohmann::json(text).dump(-1, ' ', false, replace));
  lines_.emplace_back(name, text);
  return *this;
}

Report& Report::add_flag(const std::string& name, bool value) {
  members_.emplace_back(name, value ? "true" : "false");
  lines_.emplace_back(name, value ? "true" : "false");
  return *this;
}

Report& Report::add(const std::string& name, const std::map<std::string, std::uint64_t>& counts) {
  Report inner;
  for (const auto& [key, count] : counts) {
    inner.add(key, count);
  }
  return add(name, inner);
}

Report& Report::add(const std::string& name, const Report& inner) {
  members_.emplace_back(name, inner.json());
  for (const auto& [key, text] : inner.lines_) {
    lines_.emplace_back(name + "." + key, text);
  }
  return *this;
}

std::string Report::json() const {
  std::string text = "{";
  for (const auto& [name, value] : members_) {
    text += (text.size() > 1 ? ", \"" : "\"") + name + "\": " + value;
  }
  return text + "}";
}

std::string Report::text() const {
  std::size_t width = 0;
  for (const auto& [name, value] : lines_) {
    width = std::max(width, name.size());
  }
  std::string text;
  for (const auto& [name, value] : lines_) {
    text += name + std::string(width - name.size() + 2, ' ') + value + "\n";
  }
  return text;
}

}  // namespace kpay::load
