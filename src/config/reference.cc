// reference() and example(): what people read of a schema.
#include "config/schema.h"

namespace kpay::config {
namespace {

std::string section_of(const Field& field) {
  const std::size_t dot = field.path.rfind('.');
  return dot == std::string::npos ? "" : field.path.substr(0, dot);
}

std::string default_text(const Field& field) {
  if (field.required) {
    return "**required**";
  }
  return field.standard ? "`" + *field.standard + "`" : "unset";
}

// A value for the example where the schema has none.
std::string placeholder(const Field& field) {
  switch (field.type) {
    case Type::file: return "/path/to/" + field.path.substr(field.path.rfind('.') + 1);
    case Type::address: return "localhost:9092";
    case Type::addresses: return "[localhost:9092]";
    case Type::list: return "[]";
    case Type::word: return field.words.front();
    case Type::text: return "change-me";
    case Type::boolean: return "false";
    case Type::integer: return std::to_string(field.min);
    case Type::duration: return duration_text(field.min);
    case Type::size: return size_text(field.min);
  }
  return "";
}

}  // namespace

std::string reference(const Schema& schema) {
  std::string text;
  std::string section = "\n";  // no section has this name
  for (const Field& field : schema.fields()) {
    if (section_of(field) != section) {
      section = section_of(field);
      text += "\n### " + (section.empty() ? "(top)" : section) + "\n\n";
      text += "| field | type | default | what is allowed | what it does |\n";
      text += "| --- | --- | --- | --- | --- |\n";
    }
    text += "| `" + field.path + "` | " + to_string(field.type) + " | " + default_text(field) +
            " | " + expectation(field) + " | " + field.about + " |\n";
  }
  return text;
}

std::string example(const Schema& schema) {
  std::string text;
  std::string section;
  for (const Field& field : schema.fields()) {
    const std::string indent = section_of(field).empty() ? "" : "  ";
    if (section_of(field) != section) {
      section = section_of(field);
      text += (text.empty() ? "" : "\n") + section + ":\n";
    }
    const std::string name = field.path.substr(field.path.rfind('.') + 1);
    const bool unset = !field.required && !field.standard;
    text += indent + "# " + field.about + "\n";
    text +=
        indent + "# " + (field.required ? "Required: " : "Allowed: ") + expectation(field) + ".\n";
    text += indent + (unset ? "# " : "") + name + ": " +
            (field.standard ? *field.standard : placeholder(field)) + "\n";
  }
  return text;
}

}  // namespace kpay::config
