// Configuration files, against the schema of a daemon and that of the gateway.
#include <map>

#include "base/check.h"
#include "config/daemon_config.h"
#include "config/gateway_config.h"
#include "config/limits.h"
#include "fuzz/target.h"

namespace kpay::fuzz {

namespace {

constexpr const char* kFile = "kpay.yaml";
constexpr const char* kCredentials = "/run/credentials/kpay";

std::string quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    out += c == '\'' ? "''" : std::string(1, c);
  }
  return out + "'";
}

bool is_list(const config::Field& field) {
  return field.type == config::Type::list || field.type == config::Type::addresses;
}

std::string text_of(const config::Config& config, const config::Field& field) {
  using config::Type;
  switch (field.type) {
    case Type::integer: return std::to_string(config.integer(field.path));
    case Type::boolean: return config.boolean(field.path) ? "true" : "false";
    case Type::duration: return config::duration_text(config.duration(field.path).count());
    case Type::size: return config::size_text(static_cast<std::int64_t>(config.size(field.path)));
    case Type::address: return to_string(config.address(field.path));
    case Type::list:
    case Type::addresses: {
      std::string items;
      for (const std::string& item : config.texts(field.path)) {
        items += (items.empty() ? "" : ", ") + quoted(item);
      }
      return "[" + items + "]";
    }
    default: return config.text(field.path);
  }
}

// A file that says the same, each field in its section.
std::string written(const config::Config& config, const config::Schema& schema) {
  std::map<std::string, std::string> sections;
  for (const config::Field& field : schema.fields()) {
    if (config.has(field.path)) {
      const std::size_t dot = field.path.rfind('.');
      const std::string value = text_of(config, field);
      sections[field.path.substr(0, dot)] += "  " + field.path.substr(dot + 1) + ": " +
                                             (is_list(field) ? value : quoted(value)) + "\n";
    }
  }
  std::string text;
  for (const auto& [name, lines] : sections) {
    text += name + ":\n" + lines;
  }
  return text;
}

void check_problems(const std::string& message) {
  check(message.starts_with(std::string(kFile) + ":"), "each problem names its place");
  std::size_t lines = 1;
  for (const char c : message) {
    lines += c == '\n' ? 1 : 0;
  }
  check(lines <= config::limits::problems_max + 1, "no more problems are told than the limit");
}

void check_schema(std::string_view text, const config::Schema& schema, bool is_daemon) {
  const Result<config::Config> config = config::parse(text, kFile, schema, kCredentials);
  if (!config) {
    check(config.error().code == ErrorCode::invalid, "a wrong file is invalid");
    check_problems(config.error().message);
    return;
  }
  for (const config::Field& field : schema.fields()) {
    check(config->has(field.path) || !field.required, "what is required is there");
  }
  if (is_daemon) {
    const config::DaemonConfig values = config::daemon_config(*config);
    check(!values.kafka.bootstrap_servers.empty() && values.kafka.partitions > 0,
          "a daemon knows its brokers and partitions");
  }
  const Result<config::Config> again =
      config::parse(written(*config, schema), kFile, schema, kCredentials);
  check(again.has_value(), "what was accepted is accepted again");
  check(again->hash() == config->hash(), "files that mean the same have the same hash");
}

}  // namespace

void run_config(ByteView input) {
  static const config::Schema daemon = config::daemon_schema();
  static const config::Schema gateway = config::gateway_schema();
  check_schema(as_text(input), daemon, true);
  check_schema(as_text(input), gateway, false);
}

}  // namespace kpay::fuzz
