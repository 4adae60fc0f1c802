#include "config/schema.h"

#include <algorithm>
#include <limits>
#include <set>

#include "base/check.h"

namespace kpay::config {
namespace {

std::string_view last_name(std::string_view path) { return path.substr(path.rfind('.') + 1); }

bool within(std::string_view path, std::string_view section) {
  return section.empty() ||
         (path.size() > section.size() && path.starts_with(section) && path[section.size()] == '.');
}

void check_field(const Schema& schema, const Field& field) {
  check(schema.find(field.path) == &field, "each field has a path of its own");
  check(!schema.is_section(field.path), "a field is not also a section");
  check(!field.about.empty() && field.about.back() == '.', "each field has its sentence");
  check(!(field.required && field.standard), "what is required has no default");
  check(field.type != Type::word || field.words.size() > 1, "a word has a choice");
  const bool number =
      field.type == Type::integer || field.type == Type::duration || field.type == Type::size;
  check(!number || field.min < field.max, "a number has bounds");
  const bool is_list = field.type == Type::list || field.type == Type::addresses;
  check(!is_list || !field.standard, "a list has no default: unset is the empty list");
  if (field.standard) {
    const Result<Value> value = parse_value(field, *field.standard, "/credentials");
    check(value.has_value(), "a default is within its own bounds");
  }
}

}  // namespace

Schema::Schema(std::vector<Field> fields, std::vector<Rule> rules)
    : fields_(std::move(fields)), rules_(std::move(rules)) {
  for (const Field& field : fields_) {
    check_field(*this, field);
  }
}

const Field* Schema::find(std::string_view path) const noexcept {
  const auto at = std::find_if(fields_.begin(), fields_.end(),
                               [&](const Field& field) { return field.path == path; });
  return at == fields_.end() ? nullptr : &*at;
}

bool Schema::is_section(std::string_view path) const noexcept {
  return !path.empty() && std::any_of(fields_.begin(), fields_.end(),
                                      [&](const Field& field) { return within(field.path, path); });
}

std::string Schema::nearest(std::string_view path) const {
  std::string best;
  std::size_t distance = std::numeric_limits<std::size_t>::max();
  const auto consider = [&](std::string_view candidate, std::size_t edits, std::size_t length) {
    if (edits <= std::max<std::size_t>(1, length / 3) && edits < distance) {
      distance = edits;
      best = candidate;
    }
  };
  for (const Field& field : fields_) {
    const std::string_view own = last_name(field.path);
    consider(field.path, edit_distance(path, field.path), own.size());
    for (std::size_t dot = field.path.find('.'); dot != std::string::npos;
         dot = field.path.find('.', dot + 1)) {
      consider(field.path.substr(0, dot), edit_distance(path, field.path.substr(0, dot)), dot);
    }
  }
  if (!best.empty()) {
    return best;
  }
  for (const Field& field : fields_) {  // the right name in the wrong section
    const std::string_view own = last_name(field.path);
    consider(field.path, edit_distance(last_name(path), own), own.size());
  }
  return best;
}

std::string Schema::names_in(std::string_view section) const {
  std::set<std::string> names;
  const std::size_t skip = section.empty() ? 0 : section.size() + 1;
  for (const Field& field : fields_) {
    if (within(field.path, section)) {
      const std::size_t end = field.path.find('.', skip);
      names.insert(field.path.substr(skip, end == std::string::npos ? end : end - skip));
    }
  }
  std::string text;
  for (const std::string& name : names) {
    text += (text.empty() ? "" : ", ") + name;
  }
  return text;
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t replace = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0U : 1U);
      cost[i][j] = std::min({replace, cost[i - 1][j] + 1, cost[i][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace kpay::config
