#include "http/json.h"

#include <utility>

#include "telemetry/text.h"

namespace kpay::http {

void JsonObject::begin(std::string_view name) {
  text_ += text_.size() == 1 ? "" : ",";
  telemetry::append_json_string(text_, name);
  text_ += ':';
}

void JsonObject::add_text(std::string_view text) { telemetry::append_json_string(text_, text); }

JsonObject& JsonObject::add_null(std::string_view name) { return add_json(name, "null"); }

JsonObject& JsonObject::add_json(std::string_view name, std::string_view json) {
  begin(name);
  text_ += json;
  return *this;
}

std::string JsonObject::finish() { return std::exchange(text_, "{") + "}"; }

JsonArray& JsonArray::add(std::string_view text) {
  text_ += text_.size() == 1 ? "" : ",";
  telemetry::append_json_string(text_, text);
  return *this;
}

JsonArray& JsonArray::add_json(std::string_view json) {
  text_ += text_.size() == 1 ? "" : ",";
  text_ += json;
  return *this;
}

std::string JsonArray::finish() { return std::exchange(text_, "[") + "]"; }

}  // namespace kpay::http
