// Value: what one field of a configuration holds, and how it is read from and written as text.
//
// The schema decides the type, not YAML's guesses: `threads: 4` and `threads: "4"` are equal.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace kpay::config {

enum class Type {
  text,       ///< a bounded text
  integer,    ///< a whole number
  boolean,    ///< true or false
  duration,   ///< a whole number with ms, s, m or h
  size,       ///< a whole number with B, KiB, MiB or GiB
  list,       ///< a list of texts
  word,       ///< one word of a closed set
  file,       ///< an absolute path; may begin with ${CREDENTIALS_DIRECTORY}/
  address,    ///< host:port, [ipv6]:port
  addresses,  ///< a list of host:port
};
[[nodiscard]] const char* to_string(Type type) noexcept;

/// A host (name or numeric, IPv6 without brackets) and a port.
struct Address {
  std::string host;
  std::uint16_t port = 0;

  friend bool operator==(const Address&, const Address&) = default;
};
/// "host:port", with brackets where the host needs them.
[[nodiscard]] std::string to_string(const Address& address);
/// True for 127.0.0.0/8, ::1 and localhost.
[[nodiscard]] bool is_loopback(const Address& address) noexcept;

using Texts = std::vector<std::string>;
/// text, word, file → string; integer, size → int64; duration → milliseconds.
using Value = std::variant<std::string, std::int64_t, bool, std::chrono::milliseconds, Texts>;

/// One field of a schema. `min` and `max` are in the type's unit: the number itself, milliseconds,
/// bytes, the lowest and highest port, the length of a text, or the number of a list's items.
struct Field {
  std::string path;  ///< "kafka.bootstrap_servers"
  Type type = Type::text;
  bool required = false;
  std::optional<std::string> standard{};  ///< the default as text; none: unset, unless required
  std::int64_t min = 0;
  std::int64_t max = 0;              ///< 0: the limit of the type (limits.h)
  std::vector<std::string> words{};  ///< of Type::word
  std::string characters{};          ///< allowed in a text, as ranges: "a-z0-9-"; empty: any
  std::string about{};               ///< one sentence
};

/// Reads the text of one scalar (for the list types: of one item). Errors: invalid, with a message
/// "what is wrong; what would be right". `credentials` is $CREDENTIALS_DIRECTORY, empty when unset.
[[nodiscard]] Result<Value> parse_value(const Field& field, std::string_view text,
                                        std::string_view credentials);
/// Errors: invalid, when the number of items is out of bounds.
[[nodiscard]] Result<void> check_item_count(const Field& field, std::size_t count);
/// The address that parse_value() has accepted. REQUIRES: it has.
[[nodiscard]] Address parsed_address(std::string_view text);
/// What would be right, for a person: "a whole number from 1 to 64".
[[nodiscard]] std::string expectation(const Field& field);
/// The value as a file would have it.
[[nodiscard]] std::string to_text(const Field& field, const Value& value);

[[nodiscard]] std::string duration_text(std::int64_t ms);
[[nodiscard]] std::string size_text(std::int64_t bytes);

}  // namespace kpay::config
