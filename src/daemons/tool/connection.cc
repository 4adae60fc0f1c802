#include "daemons/tool/connection.h"

#include <CLI/CLI.hpp>
#include <cstdlib>

#include "config/daemon_config.h"
#include "daemons/tool/contexts.h"
#include "stages/specs.h"

namespace kpay::tool {

namespace {

std::string from_environment(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

const char* protocol_text(config::SecurityProtocol protocol) {
  switch (protocol) {
    case config::SecurityProtocol::plaintext: return "plaintext";
    case config::SecurityProtocol::ssl: return "ssl";
    case config::SecurityProtocol::sasl_plaintext: return "sasl_plaintext";
    case config::SecurityProtocol::sasl_ssl: return "sasl_ssl";
  }
  return "plaintext";
}

Result<void> take_file(const std::string& path, Connection& connection) {
  Result<config::Config> file = config::load(path, config::tool_schema());
  if (!file) {
    return Unexpected(file.error());
  }
  const config::KafkaConfig kafka = config::kafka_config(*file);
  connection.client.bootstrap_servers = kafka.bootstrap_servers;
  connection.client.security_protocol = protocol_text(kafka.security_protocol);
  connection.client.ssl_ca_file = kafka.ssl_ca_file;
  connection.client.ssl_certificate_file = kafka.ssl_certificate_file;
  connection.client.ssl_key_file = kafka.ssl_key_file;
  if (connection.client.security_protocol.starts_with("sasl_")) {
    Result<std::string> password = config::read_secret(kafka.sasl_password_file);
    if (!password) {
      return Unexpected(password.error());
    }
    connection.client.sasl_mechanism = kafka.sasl_mechanism;
    connection.client.sasl_username = kafka.sasl_username;
    connection.client.sasl_password = *password;
  }
  connection.prefix = kafka.topic_prefix;
  connection.partitions = kafka.partitions;
  return {};
}

// The file that says the most of it; empty when there is none.
Result<std::string> file_of(const ConnectionFlags& flags) {
  if (!flags.config_file.empty()) {
    return flags.config_file;
  }
  const std::string named =
      flags.context.empty() ? from_environment("KPAY_CONTEXT") : flags.context;
  if (!named.empty()) {
    return context_file(named);
  }
  const bool says = !flags.bootstrap.empty() || !from_environment("KPAY_BOOTSTRAP_SERVERS").empty();
  const std::string current = says ? std::string() : current_context();
  return current.empty() ? Result<std::string>(current) : context_file(current);
}

}  // namespace

void add_connection_options(CLI::App& app, ConnectionFlags& flags) {
  app.add_option("--bootstrap", flags.bootstrap,
                 "Brokers, HOST:PORT with commas (else KPAY_BOOTSTRAP_SERVERS)");
  app.add_option("--config", flags.config_file, "A YAML file with kafka.*: TLS, SASL");
  app.add_option("--context", flags.context,
                 "A cluster by its name, as `kpayctl contexts list` has it (else KPAY_CONTEXT)")
      ->excludes("--config");
  app.add_option("--prefix", flags.prefix, "The beginning of topic names [kpay.]");
  app.add_option("--partitions", flags.partitions,
                 "Partitions of the topics [as many as they have]")
      ->check(CLI::Range(1, 1024));
}

Result<Connection> resolve(const ConnectionFlags& flags) {
  Connection connection;
  const Result<std::string> file = file_of(flags);
  if (!file) {
    return Unexpected(file.error());
  }
  if (!file->empty()) {
    if (Result<void> taken = take_file(*file, connection); !taken) {
      return Unexpected(taken.error());
    }
  }
  // Who names a context means it, whatever the environment says.
  const auto environment = [&](const char* name) {
    return flags.context.empty() ? from_environment(name) : std::string();
  };
  for (const std::string& servers : {environment("KPAY_BOOTSTRAP_SERVERS"), flags.bootstrap}) {
    connection.client.bootstrap_servers =
        servers.empty() ? connection.client.bootstrap_servers : servers;
  }
  for (const std::string& prefix : {environment("KPAY_TOPIC_PREFIX"), flags.prefix}) {
    connection.prefix = prefix.empty() ? connection.prefix : prefix;
  }
  if (flags.partitions > 0) {
    connection.partitions = flags.partitions;
  }
  if (connection.client.bootstrap_servers.empty()) {
    return Unexpected(ErrorCode::invalid,
                      "no broker is named: give --bootstrap HOST:PORT, --config FILE or --context "
                      "NAME, or set KPAY_BOOTSTRAP_SERVERS");
  }
  connection.client.client_id = flags.client_id;
  return connection;
}

Result<std::unique_ptr<kafka::TopicReader>> reach(const Connection& connection) {
  Result<std::unique_ptr<kafka::TopicReader>> reader =
      kafka::TopicReader::connect(connection.client);
  if (!reader) {
    return reader;
  }
  if (Result<std::string> id = (*reader)->admin().cluster_id(kAnswerMs); !id) {
    return Unexpected(id.error().code,
                      connection.client.bootstrap_servers + ": " + id.error().message);
  }
  return reader;
}

Result<std::vector<stream::LogBounds>> Reached::bounds(std::string_view name) const {
  return reader->admin().bounds_of_all(topic(name), partitions, kAnswerMs);
}

Result<std::vector<std::int64_t>> Reached::ends(std::string_view name) const {
  Result<std::vector<stream::LogBounds>> found = bounds(name);
  if (!found) {
    return Unexpected(found.error());
  }
  std::vector<std::int64_t> ends;
  for (const stream::LogBounds& each : *found) {
    ends.push_back(each.end);
  }
  return ends;
}

Result<Reached> reach_system(const ConnectionFlags& flags) {
  Result<Connection> connection = resolve(flags);
  return connection ? reach_system(std::move(*connection)) : Unexpected(connection.error());
}

Result<Reached> reach_system(Connection connection) {
  Result<std::unique_ptr<kafka::TopicReader>> reader = reach(connection);
  if (!reader) {
    return Unexpected(reader.error());
  }
  const std::string topic = connection.topic(stages::kTopicIncoming);
  Result<std::vector<kafka::TopicInfo>> infos = (*reader)->admin().describe({topic}, kAnswerMs);
  if (!infos) {
    return Unexpected(infos.error());
  }
  if (infos->empty()) {
    return Unexpected(ErrorCode::not_found,
                      "topic " + topic + " doesn't exist (`kpayctl topics apply` makes it)");
  }
  const kafka::TopicInfo& incoming = infos->front();
  if (connection.partitions && *connection.partitions != incoming.partitions) {
    return Unexpected(ErrorCode::invalid,
                      "topic " + topic + " has " + std::to_string(incoming.partitions) +
                          " partitions, not " + std::to_string(*connection.partitions));
  }
  return Reached{std::move(connection), std::move(*reader), incoming.partitions, incoming.id};
}

}  // namespace kpay::tool
