// Reads YAML against a schema. The only file that knows yaml-cpp, whose exceptions end here.
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <set>

#include "base/hash.h"
#include "config/config.h"
#include "config/files.h"
#include "config/limits.h"

namespace kpay::config {
namespace {

Place place_of(const YAML::Mark& mark) {
  return mark.is_null() ? Place{} : Place{mark.line + 1, mark.column + 1};
}

const char* kind_of(const YAML::Node& node) {
  switch (node.Type()) {
    case YAML::NodeType::Scalar: return "a single value";
    case YAML::NodeType::Sequence: return "a list";
    case YAML::NodeType::Map: return "a mapping";
    default: return "no value";
  }
}

}  // namespace

class Loader {
 public:
  Loader(std::string file, const Schema& schema, std::string credentials)
      : file_(std::move(file)), schema_(schema), credentials_(std::move(credentials)) {}

  Result<Config> load(std::string_view text) {
    read(text);
    for (const Field& field : schema_.fields()) {
      complete(field);
    }
    if (problems_.empty()) {
      for (const Rule& rule : schema_.rules()) {
        rule(config_, [this](std::string_view path, const std::string& message) {
          const Config::Entry* entry = config_.find(path);
          problem(entry != nullptr ? entry->place : section_place(path), path, message);
        });
      }
    }
    if (!problems_.empty()) {
      return Unexpected(ErrorCode::invalid, joined());
    }
    set_hash();
    return std::move(config_);
  }

 private:
  void read(std::string_view text) {
    try {
      const std::vector<YAML::Node> documents = YAML::LoadAll(std::string(text));
      if (documents.size() > 1) {
        problem(place_of(documents[1].Mark()), "yaml",
                "the file has more than one document; write one, without further --- lines");
        unreadable_ = true;
      } else if (!documents.empty()) {
        section(documents[0], "");
      }
    } catch (const YAML::Exception& exception) {
      problem(place_of(exception.mark), "yaml",
              "not YAML: " + exception.msg + "; write `name: value` lines, indented with spaces");
      unreadable_ = true;
    }
  }

  void section(const YAML::Node& node, const std::string& path) {
    places_[path] = place_of(node.Mark());
    if (node.IsNull()) {
      return;  // a section whose fields are all commented out
    }
    if (!node.IsMap()) {
      const std::string name = path.empty() ? "file" : path;
      problem(place_of(node.Mark()), name,
              std::string("is ") + kind_of(node) +
                  ", not a mapping; write `name: value` lines of " + schema_.names_in(path));
      broken_.insert(path);
      return;
    }
    for (const auto& pair : node) {
      member(pair.first, pair.second, path);
    }
  }

  void member(const YAML::Node& key, const YAML::Node& value, const std::string& parent) {
    const Place place = place_of(key.Mark());
    if (!key.IsScalar()) {
      problem(place, parent.empty() ? "file" : parent,
              std::string("a name is ") + kind_of(key) + "; write a plain name");
      return;
    }
    const std::string& name = key.Scalar();
    const std::string path = (parent.empty() ? "" : parent + ".") + name;
    if (const std::size_t dot = name.rfind('.'); dot != std::string::npos && schema_.find(path)) {
      problem(place, path,
              "has a dot in its name; write " + name.substr(dot + 1) +
                  " on a line of its own, indented under " + name.substr(0, dot));
      return;
    }
    const auto [before, is_new] = places_.emplace(path, place);
    if (!is_new) {
      problem(place, path,
              "is a duplicate of line " + std::to_string(before->second.line) + "; write it once");
      return;
    }
    if (const Field* field = schema_.find(path)) {
      take(*field, value, place);
    } else if (schema_.is_section(path)) {
      section(value, path);
      places_[path] = place;
    } else {
      unknown(path, parent, place);
    }
  }

  void unknown(const std::string& path, const std::string& parent, Place place) {
    const std::string near = schema_.nearest(path);
    const std::string where = parent.empty() ? "the file" : parent;
    problem(place, path,
            near.empty() ? "is not a known field; " + where + " has " + schema_.names_in(parent)
                         : "is not a known field; did you mean " + near + "?");
    broken_.insert(near);
  }

  void take(const Field& field, const YAML::Node& node, Place place) {
    const bool is_list = field.type == Type::list || field.type == Type::addresses;
    broken_.insert(field.path);  // until it is accepted; a broken field is not also missing
    if (is_list ? !node.IsSequence() : !node.IsScalar()) {
      problem(place, field.path,
              std::string("is ") + kind_of(node) + "; write " + expectation(field));
      return;
    }
    Result<Value> value =
        is_list ? take_items(field, node) : parse_value(field, node.Scalar(), credentials_);
    if (!value) {
      problem(place, field.path, value.error().message);
      return;
    }
    config_.entries_[field.path] = {*std::move(value), place, true};
  }

  Result<Value> take_items(const Field& field, const YAML::Node& node) {
    Texts items;
    for (const YAML::Node& item : node) {
      if (!item.IsScalar()) {
        return Unexpected(ErrorCode::invalid, "an item is " + std::string(kind_of(item)) +
                                                  "; write " + expectation(field));
      }
      Result<Value> value = parse_value(field, item.Scalar(), credentials_);
      if (!value) {
        return value;
      }
      items.push_back(std::get<std::string>(*value));
    }
    if (Result<void> ok = check_item_count(field, items.size()); !ok) {
      return Unexpected(ok.error());
    }
    return Value(std::move(items));
  }

  // Gives a field that the file lacks its default, or reports that it is missing.
  void complete(const Field& field) {
    const bool is_broken = broken_.contains(field.path) || broken_.contains("") ||
                           broken_.contains(field.path.substr(0, field.path.rfind('.')));
    if (config_.has(field.path) || is_broken || unreadable_) {
      return;
    }
    if (field.required) {
      problem(section_place(field.path), field.path,
              "is required and missing; write " + expectation(field));
    } else if (field.standard) {
      Result<Value> value = parse_value(field, *field.standard, credentials_);
      check(value.has_value(), "a default is accepted by its own schema");
      config_.entries_[field.path] = {*std::move(value), section_place(field.path), false};
    }
  }

  [[nodiscard]] Place section_place(std::string_view path) const {
    const auto at = places_.find(std::string(path.substr(0, path.rfind('.'))));
    return at == places_.end() ? Place{} : at->second;
  }

  void problem(Place place, std::string_view field, const std::string& message) {
    problems_.emplace(std::pair(place.line, place.column), file_ + ":" +
                                                               std::to_string(place.line) + ":" +
                                                               std::to_string(place.column) + ": " +
                                                               std::string(field) + ": " + message);
  }

  [[nodiscard]] std::string joined() const {
    std::string text;
    std::size_t shown = 0;
    for (const auto& [place, line] : problems_) {
      if (shown++ == limits::problems_max) {
        text += "\n" + file_ + ": and " + std::to_string(problems_.size() - limits::problems_max) +
                " more problems";
        break;
      }
      text += (text.empty() ? "" : "\n") + line;
    }
    return text;
  }

  void set_hash() {
    std::string lines;
    for (const Field& field : schema_.fields()) {
      if (const Config::Entry* entry = config_.find(field.path)) {
        lines += field.path + "=" + to_text(field, entry->value) + "\n";
      }
    }
    config_.hash_ = to_string(hash128(as_bytes(lines)));
  }

  std::string file_;
  const Schema& schema_;
  std::string credentials_;
  Config config_;
  bool unreadable_ = false;
  std::map<std::string, Place> places_;  // of every name in the file
  std::set<std::string> broken_;         // fields and sections that have a problem already
  std::multimap<std::pair<int, int>, std::string> problems_;  // by place
};

Result<Config> parse(std::string_view text, const std::string& file, const Schema& schema,
                     const std::string& credentials) {
  return Loader(file, schema, credentials).load(text);
}

Result<Config> load(const std::string& path, const Schema& schema) {
  Result<std::string> text = read_file(path, limits::file_bytes_max);
  if (!text) {
    return Unexpected(text.error());
  }
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  return parse(*text, path, schema, credentials != nullptr ? credentials : "");
}

}  // namespace kpay::config
