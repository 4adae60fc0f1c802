#include "config/value.h"

#include <array>
#include <charconv>
#include <limits>

#include "base/check.h"
#include "config/limits.h"

namespace kpay::config {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};
constexpr std::array<Unit, 4> kDurations{
    {{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 4> kSizes{
    {{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}};
constexpr std::string_view kCredentials = "${CREDENTIALS_DIRECTORY}";

std::string quoted(std::string_view text) {
  constexpr std::size_t kShown = 60;
  std::string out = "\"";
  for (const char c : text.substr(0, kShown)) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != 0x7f;
    out.push_back(plain ? c : '?');
  }
  return out + (text.size() > kShown ? "…\"" : "\"");
}

Unexpected refuse(const Field& field, const std::string& wrong) {
  return Unexpected(ErrorCode::invalid, wrong + "; write " + expectation(field));
}

std::optional<std::int64_t> parse_integer(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) {
    return std::nullopt;
  }
  return value;
}

// A number and one of `units`. Nothing when it is neither, or beyond 64 bits.
std::optional<std::int64_t> parse_with_unit(std::string_view text,
                                            const std::array<Unit, 4>& units) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos) {
    return std::nullopt;
  }
  const std::optional<std::int64_t> number = parse_integer(text.substr(0, digits));
  for (const Unit& unit : units) {
    if (number && text.substr(digits) == unit.name) {
      if (*number > std::numeric_limits<std::int64_t>::max() / unit.factor) {
        return std::nullopt;
      }
      return *number * unit.factor;
    }
  }
  return std::nullopt;
}

std::string with_unit(std::int64_t value, const std::array<Unit, 4>& units) {
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) {
      return std::to_string(value / unit.factor) + std::string(unit.name);
    }
  }
  return "0" + std::string(units.back().name);
}

std::string number_text(const Field& field, std::int64_t value) {
  switch (field.type) {
    case Type::duration: return duration_text(value);
    case Type::size: return size_text(value);
    default: return std::to_string(value);
  }
}

Result<Value> bounded(const Field& field, std::string_view text, std::int64_t value) {
  if (value < field.min || value > field.max) {
    return refuse(field, quoted(text) + " is out of bounds");
  }
  if (field.type == Type::duration) {
    return Value(std::chrono::milliseconds(value));
  }
  return Value(value);
}

bool is_allowed(char c, std::string_view ranges) {
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    if (i + 2 < ranges.size() && ranges[i + 1] == '-') {
      if (c >= ranges[i] && c <= ranges[i + 2]) {
        return true;
      }
      i += 2;
    } else if (c == ranges[i]) {
      return true;
    }
  }
  return ranges.empty();
}

std::int64_t length_max(const Field& field) {
  const bool is_text = field.type == Type::text || field.type == Type::word;
  return is_text && field.max != 0  ? field.max
         : field.type == Type::file ? limits::path_bytes_max
                                    : limits::text_bytes_max;
}

// What every text must be, whatever its meaning: bounded, printable, of the allowed characters.
Result<void> check_text(const Field& field, std::string_view text) {
  const auto length = static_cast<std::int64_t>(text.size());
  const std::int64_t least = field.type == Type::text && field.min > 1 ? field.min : 1;
  if (length < least) {
    return refuse(field, length == 0 ? "is empty" : quoted(text) + " is too short");
  }
  if (length > length_max(field)) {
    return refuse(field, quoted(text) + " is too long (" + std::to_string(length) + " bytes)");
  }
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      return refuse(field, quoted(text) + " has a control character");
    }
    if (!is_allowed(c, field.characters)) {
      return refuse(field, quoted(text) + " has a character that is not allowed here");
    }
  }
  return {};
}

Result<Value> parse_file(const Field& field, std::string_view text, std::string_view credentials) {
  std::string path(text);
  if (text.starts_with(kCredentials)) {
    if (credentials.empty()) {
      return refuse(field, quoted(text) +
                               " needs $CREDENTIALS_DIRECTORY, which is not set (systemd"
                               " sets it for units with LoadCredential=)");
    }
    path = std::string(credentials) + std::string(text.substr(kCredentials.size()));
  }
  if (path.find("${") != std::string::npos) {
    return refuse(field, quoted(text) + " has a variable that is not expanded here");
  }
  if (path.front() != '/') {
    return refuse(field, quoted(text) + " is not an absolute path");
  }
  return Value(path);
}

// Splits at the port's colon and takes brackets off. Nothing when the form is another.
std::optional<Address> split_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || colon == 0) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  const std::optional<std::int64_t> port = parse_integer(text.substr(colon + 1));
  if (host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  constexpr std::string_view kHost = "a-zA-Z0-9._:%-";
  for (const char c : host) {
    if (!is_allowed(c, kHost)) {
      return std::nullopt;
    }
  }
  const bool port_ok = port && *port >= 0 && *port <= 65535 && text[colon + 1] != '-';
  if (host.empty() || !port_ok) {
    return std::nullopt;
  }
  return Address{std::string(host), static_cast<std::uint16_t>(*port)};
}

Result<Value> parse_address(const Field& field, std::string_view text) {
  const std::optional<Address> address = split_address(text);
  if (!address) {
    return refuse(field, quoted(text) + " is not host:port");
  }
  if (address->port == 0 && field.min > 0) {
    return refuse(field, quoted(text) + " has port 0");
  }
  return Value(std::string(text));
}

Result<Value> parse_word(const Field& field, std::string_view text) {
  for (const std::string& word : field.words) {
    if (word == text) {
      return Value(word);
    }
  }
  return refuse(field, quoted(text) + " is not one of the words");
}

Result<Value> parse_number(const Field& field, std::string_view text) {
  const std::optional<std::int64_t> value = field.type == Type::integer ? parse_integer(text)
                                            : field.type == Type::size
                                                ? parse_with_unit(text, kSizes)
                                                : parse_with_unit(text, kDurations);
  if (!value) {
    return refuse(field, quoted(text) + " is not " + (field.type == Type::integer ? "an " : "a ") +
                             to_string(field.type));
  }
  return bounded(field, text, *value);
}

}  // namespace

const char* to_string(Type type) noexcept {
  constexpr std::array<const char*, 10> kNames{"text",      "integer",  "boolean", "duration",
                                               "size",      "list",     "word",    "file",
                                               "host:port", "addresses"};
  return kNames.at(static_cast<std::size_t>(type));
}

std::string to_string(const Address& address) {
  const bool brackets = address.host.find(':') != std::string::npos;
  return (brackets ? "[" + address.host + "]" : address.host) + ":" + std::to_string(address.port);
}

bool is_loopback(const Address& address) noexcept {
  const std::string& host = address.host;
  const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;
  return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

Result<Value> parse_value(const Field& field, std::string_view text, std::string_view credentials) {
  switch (field.type) {
    case Type::integer:
    case Type::duration:
    case Type::size: return parse_number(field, text);
    case Type::boolean:
      if (text != "true" && text != "false") {
        return refuse(field, quoted(text) + " is not a boolean");
      }
      return Value(text == "true");
    case Type::word: return parse_word(field, text);
    default: break;
  }
  if (Result<void> ok = check_text(field, text); !ok) {
    return Unexpected(ok.error());
  }
  if (field.type == Type::file) {
    return parse_file(field, text, credentials);
  }
  if (field.type == Type::address || field.type == Type::addresses) {
    return parse_address(field, text);
  }
  return Value(std::string(text));
}

Result<void> check_item_count(const Field& field, std::size_t count) {
  const std::int64_t least = field.required ? 1 : 0;
  const auto items = static_cast<std::int64_t>(count);
  if (items < least || items > limits::list_items_max) {
    return refuse(field, "has " + std::to_string(count) + " items, which is out of bounds");
  }
  return {};
}

Address parsed_address(std::string_view text) {
  std::optional<Address> address = split_address(text);
  check(address.has_value(), "an address of the configuration was checked when it was read");
  return *std::move(address);
}

std::string expectation(const Field& field) {
  const std::string bounds =
      " from " + number_text(field, field.min) + " to " + number_text(field, field.max);
  const std::string items =
      std::to_string(field.required ? 1 : 0) + " to " + std::to_string(limits::list_items_max);
  std::string text;
  switch (field.type) {
    case Type::integer: return "a whole number" + bounds;
    case Type::duration: return "a whole number with ms, s, m or h," + bounds;
    case Type::size: return "a whole number with B, KiB, MiB or GiB," + bounds;
    case Type::boolean: return "true or false";
    case Type::word:
      for (const std::string& word : field.words) {
        text += (text.empty() ? "" : word == field.words.back() ? " or " : ", ") + word;
      }
      return text;
    case Type::file:
      return "an absolute path, or one that begins with " + std::string(kCredentials) + "/";
    case Type::address:
      return std::string("host:port with a port from ") + (field.min > 0 ? "1" : "0") + " to 65535";
    case Type::addresses:
      return "a list of " + items + " host:port, as in [broker-1:9092, broker-2:9092]";
    case Type::list: return "a list of " + items + " texts, as in [a, b]";
    case Type::text: break;
  }
  text = std::to_string(field.min > 1 ? field.min : 1) + " to " +
         std::to_string(length_max(field)) + " characters";
  return text + (field.characters.empty() ? "" : " of [" + field.characters + "]");
}

std::string to_text(const Field& field, const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) {
    return *text;
  }
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    return number_text(field, *number);
  }
  if (const auto* flag = std::get_if<bool>(&value)) {
    return *flag ? "true" : "false";
  }
  if (const auto* duration = std::get_if<std::chrono::milliseconds>(&value)) {
    return duration_text(duration->count());
  }
  std::string text;
  for (const std::string& item : std::get<Texts>(value)) {
    text += (text.empty() ? "" : ", ") + item;
  }
  return "[" + text + "]";
}

std::string duration_text(std::int64_t ms) { return with_unit(ms, kDurations); }
std::string size_text(std::int64_t bytes) { return with_unit(bytes, kSizes); }

}  // namespace kpay::config
