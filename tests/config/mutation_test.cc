// Every field of the daemons' schema, written wrong in every way that its type knows: each wrong
// file is refused with its place, its field and what would be right.
#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>

#include "config/daemon_config.h"

namespace kpay::config {
namespace {

std::string section_of(const Field& field) { return field.path.substr(0, field.path.rfind('.')); }
std::string name_of(const Field& field) { return field.path.substr(field.path.rfind('.') + 1); }

// A file with every field right, except that `field` is written as `lines`.
std::string file_with(const Field& field, const std::string& lines) {
  const Schema schema = daemon_schema();
  std::string text;
  std::string section;
  for (const Field& other : schema.fields()) {
    if (section_of(other) != section) {
      section = section_of(other);
      text += section + ":\n";
    }
    if (other.path == field.path) {
      text += lines;
    } else if (other.required) {
      text += "  " + name_of(other) + ": " +
              (other.type == Type::addresses ? "[b:1]"
               : other.type == Type::file    ? "/x"
                                             : "a") +
              "\n";
    }
  }
  return text;
}

std::string line(const Field& field, const std::string& value) {
  return "  " + name_of(field) + ": " + value + "\n";
}

// Values that are wrong for the field, as YAML.
std::vector<std::string> wrong_values(const Field& field) {
  std::vector<std::string> wrong{"{a: b}", "", "~", "{}", "\"a\\nb\""};
  const std::vector<std::string> list_or_scalar =
      field.type == Type::addresses ? std::vector<std::string>{"b:1", "[b]", "[b:0]", "[[b:1]]"}
                                    : std::vector<std::string>{"[a, b]", "[]", "\"\""};
  wrong.insert(wrong.end(), list_or_scalar.begin(), list_or_scalar.end());
  const auto add = [&](std::initializer_list<std::string> more) {
    wrong.insert(wrong.end(), more);
  };
  switch (field.type) {
    case Type::integer:
      add({"many", "1.5", "0x10", std::to_string(field.min - 1), std::to_string(field.max + 1),
           "99999999999999999999"});
      break;
    case Type::duration:
      add({"soon", "1", "1.5s", "-1s", duration_text(field.max + 1), "99999999999999999999h"});
      if (field.min > 0) {
        add({duration_text(field.min - 1)});
      }
      break;
    case Type::size:
      add({"big", "1", "1MB", "-1B", size_text(field.min - 1), size_text(field.max + 1)});
      break;
    case Type::word:
      add({"neither", field.words.front() + "x", "'" + field.words.front() + " '"});
      break;
    case Type::file:
      add({"relative", "${HOME}/x", "/" + std::string(5000, 'a'), "${CREDENTIALS_DIRECTORY}/x"});
      break;
    case Type::address: add({"host", "'host:'", "host:99999", "':1'"}); break;
    case Type::text:
      add({std::string(300, 'a')});
      if (!field.characters.empty()) {
        add({"a b", "'é'"});
      }
      break;
    default: break;
  }
  return wrong;
}

// True for "f.yml:<line>:<column>: <path>: <what is wrong>" with a hint of what would be right.
bool is_right(const std::string& error, const std::string& path) {
  const std::size_t field = error.find(": " + path + ": ");
  if (!error.starts_with("f.yml:") || field == std::string::npos) {
    return false;
  }
  const std::string place = error.substr(6, field - 6);
  const bool has_place = place.find_first_not_of("0123456789:") == std::string::npos &&
                         std::count(place.begin(), place.end(), ':') == 1;
  bool has_hint = false;
  for (const char* hint : {"; write ", "; set ", "; remove ", "; choose ", "; did you mean "}) {
    has_hint = has_hint || error.find(hint, field) != std::string::npos;
  }
  return has_place && has_hint;
}

class Mutations {
 public:
  // Counts `text` as caught when its error names file, line and `path`, and has a hint.
  void expect_caught(const std::string& text, const std::string& path) {
    ++tried_;
    const Result<Config> config = parse(text, "f.yml", daemon_schema());
    const std::string error = config ? "accepted" : config.error().message;
    const bool caught = error.find('\n') == std::string::npos && is_right(error, path);
    caught_ += caught ? 1 : 0;
    EXPECT_TRUE(caught) << text << "\n→ " << error;
  }
  [[nodiscard]] int tried() const { return tried_; }
  [[nodiscard]] int caught() const { return caught_; }

 private:
  int tried_ = 0;
  int caught_ = 0;
};

TEST(Mutation, EveryWrongFieldIsRefusedWithItsPlaceAndAHint) {
  const Schema schema = daemon_schema();
  Mutations mutations;
  for (const Field& field : schema.fields()) {
    const std::string right = field.standard             ? *field.standard
                              : field.type == Type::file ? "/x"
                              : field.type == Type::text ? "a"
                                                         : "[b:1]";
    for (const std::string& value : wrong_values(field)) {
      mutations.expect_caught(file_with(field, line(field, value)), field.path);
    }
    const std::string name = name_of(field);
    const std::string swapped =
        name.substr(0, name.size() - 2) + name.back() + name[name.size() - 2];
    for (const std::string& misspelt : {name + "x", name.substr(1), swapped}) {
      mutations.expect_caught(file_with(field, "  " + misspelt + ": " + right + "\n"),
                              section_of(field) + "." + misspelt);
    }
    mutations.expect_caught(file_with(field, line(field, right) + line(field, right)), field.path);
    if (field.required) {
      mutations.expect_caught(file_with(field, ""), field.path);
    }
  }
  std::cout << "mutations: " << schema.fields().size() << " fields, " << mutations.tried()
            << " wrong files, " << mutations.caught() << " caught\n";
  EXPECT_GT(mutations.tried(), 300);
  EXPECT_EQ(mutations.caught(), mutations.tried());
}

}  // namespace
}  // namespace kpay::config
