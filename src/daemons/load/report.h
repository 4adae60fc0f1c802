// Report: what a command found, as lines for people or as one JSON document.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace kpay::load {

/// Members in the order in which they were added.
class Report {
 public:
  Report& add(const std::string& name, std::uint64_t value);
  /// With so many decimals.
  Report& add(const std::string& name, double value, int decimals);
  Report& add(const std::string& name, const std::string& text);
  Report& add_flag(const std::string& name, bool value);
  Report& add(const std::string& name, const std::map<std::string, std::uint64_t>& counts);
  Report& add(const std::string& name, const Report& inner);

  [[nodiscard]] std::string json() const;
  /// "name  value" per line; members of an inner report are "outer.name".
  [[nodiscard]] std::string text() const;

 private:
  std::vector<std::pair<std::string, std::string>> members_;  // name, JSON
  std::vector<std::pair<std::string, std::string>> lines_;    // name, text
};

}  // namespace kpay::load
