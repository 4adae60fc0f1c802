// Schema: the declared fields of a configuration, with defaults, bounds and documentation.
//
// It is a value, made once at start. The constructor checks that it makes sense, so a field that
// is declared wrong ends the first test that touches it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "config/value.h"

namespace kpay::config {

class Config;

/// Takes a problem of a field: "what is wrong; what would be right".
using Report = std::function<void(std::string_view path, const std::string& message)>;
/// Looks at a configuration whose fields are all right by themselves, and reports what is wrong
/// between them.
using Rule = std::function<void(const Config& config, const Report& report)>;

class Schema {
 public:
  /// REQUIRES: paths are unique, no path is also a section, each field has a sentence, and each
  /// default is within its own bounds.
  explicit Schema(std::vector<Field> fields, std::vector<Rule> rules = {});

  [[nodiscard]] const std::vector<Field>& fields() const& noexcept { return fields_; }
  const std::vector<Field>& fields() const&& = delete;  // a loop over a temporary would dangle
  [[nodiscard]] const std::vector<Rule>& rules() const noexcept { return rules_; }
  /// Null when there is none.
  [[nodiscard]] const Field* find(std::string_view path) const noexcept;
  /// True for "kafka" when there is a "kafka.topic_prefix".
  [[nodiscard]] bool is_section(std::string_view path) const noexcept;
  /// The path that somebody meant who wrote `path`; empty when none is near.
  [[nodiscard]] std::string nearest(std::string_view path) const;
  /// The names that are right within a section ("" is the whole file), with commas.
  [[nodiscard]] std::string names_in(std::string_view section) const;

 private:
  std::vector<Field> fields_;
  std::vector<Rule> rules_;
};

/// A Markdown table of every field, one for each section.
[[nodiscard]] std::string reference(const Schema& schema);
/// A commented YAML file with every default; what has none is commented out, what is required
/// has a value to be replaced.
[[nodiscard]] std::string example(const Schema& schema);

/// The number of single-character edits between two names; a swap of neighbours counts as one.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b);

}  // namespace kpay::config
