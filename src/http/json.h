// JsonObject, JsonArray: write JSON text, members in the order in which they are added.
//
// For small documents and rows of tables; whoever reads JSON uses a parser. Any bytes give a
// valid document: what is not UTF-8 becomes U+FFFD. Names are not checked to be unique.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

namespace kpay::http {

class JsonObject {
 public:
  /// Text, a whole number or a truth value. Whole numbers have all of their 64 bits.
  template <class T>
  JsonObject& add(std::string_view name, const T& value) {
    begin(name);
    if constexpr (std::is_same_v<T, bool>) {
      text_ += value ? "true" : "false";
    } else if constexpr (std::integral<T>) {
      text_ += std::to_string(value);
    } else {
      add_text(value);
    }
    return *this;
  }
  JsonObject& add_null(std::string_view name);
  /// `json` is a whole JSON value already.
  JsonObject& add_json(std::string_view name, std::string_view json);

  /// The document. The object is empty afterwards.
  [[nodiscard]] std::string finish();

 private:
  void begin(std::string_view name);
  void add_text(std::string_view text);

  std::string text_ = "{";
};

class JsonArray {
 public:
  JsonArray& add(std::string_view text);
  JsonArray& add_json(std::string_view json);
  [[nodiscard]] std::string finish();

 private:
  std::string text_ = "[";
};

}  // namespace kpay::http
