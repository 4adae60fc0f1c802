// DaemonConfig: what every daemon is told by its file, as plain values. The fields, their bounds
// and their sentences are in daemon_config.cc and, for people, in docs/configuration.md.
//
// Nothing here changes the outcome of a payment (R2): limits and rules are records on the input.
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

#include "config/config.h"

namespace kpay::config {

enum class SecurityProtocol { plaintext, ssl, sasl_plaintext, sasl_ssl };
enum class Synchronous { normal, full };
enum class LogLevel { debug, info, warning, error };
enum class LogFormat { automatic, logfmt, json };

struct KafkaConfig {
  std::string bootstrap_servers;  ///< joined with commas, as librdkafka wants them
  std::string topic_prefix;
  int partitions = 0;
  SecurityProtocol security_protocol = SecurityProtocol::plaintext;
  std::string ssl_ca_file;  ///< files are empty when unset
  std::string ssl_certificate_file;
  std::string ssl_key_file;
  std::string sasl_mechanism;
  std::string sasl_username;
  std::string sasl_password_file;
  std::chrono::milliseconds linger{};
  std::chrono::milliseconds session_timeout{};
};

struct StateConfig {
  std::string directory;
  Synchronous synchronous = Synchronous::normal;
  bool standbys = false;
};

struct SnapshotsConfig {
  std::string directory;
  std::chrono::milliseconds every{};  ///< 0: only at an operator's word
  std::size_t keep = 0;
};

struct CheckpointConfig {
  std::chrono::milliseconds interval{};
  std::size_t dirty_rows_max = 0;
  std::size_t base_every = 0;  ///< checkpoints from one base to the next, at least
};

struct TlsFiles {
  std::string certificate;
  std::string key;
  std::string client_ca;
};

struct HttpConfig {
  Address listen;
  std::optional<TlsFiles> tls;  ///< always there when `listen` is not loopback
};

struct WorkerConfig {
  std::size_t threads = 1;
  std::size_t unacknowledged_bytes_max = 0;
  std::size_t input_batch_records = 0;
};

struct LogConfig {
  LogLevel level = LogLevel::info;
  LogFormat format = LogFormat::automatic;
};

struct DaemonConfig {
  std::string instance_id;  ///< also group.instance.id and the key of control records
  KafkaConfig kafka;
  StateConfig state;
  SnapshotsConfig snapshots;
  CheckpointConfig checkpoint;
  HttpConfig http;
  std::string admin_socket;  ///< empty when unset
  WorkerConfig worker;
  LogConfig log;
  std::chrono::milliseconds stop_deadline{};
  std::chrono::milliseconds time_jump_max{};
  std::string hash;  ///< of all values (Config::hash())
};

/// The fields and rules of every daemon; a daemon with fields of its own adds them to `fields`.
[[nodiscard]] std::vector<Field> daemon_fields();
[[nodiscard]] std::vector<Rule> daemon_rules();
[[nodiscard]] Schema daemon_schema();
/// kpayctl and kpay-load: kafka.* and nothing else.
[[nodiscard]] Schema tool_schema();

/// REQUIRES: `config` was accepted by a schema that has the daemon's fields.
[[nodiscard]] DaemonConfig daemon_config(const Config& config);
/// REQUIRES: `config` was accepted by a schema that has the kafka fields.
[[nodiscard]] KafkaConfig kafka_config(const Config& config);
/// REQUIRES: `config` was accepted by a schema that has the fields of log.
[[nodiscard]] LogConfig log_config(const Config& config);

/// REQUIRES: `config` was accepted by a schema that has the daemons' fields of http.
[[nodiscard]] HttpConfig http_config(const Config& config);

/// load() and daemon_config() in one step, for daemons without fields of their own.
[[nodiscard]] Result<DaemonConfig> load_daemon_config(const std::string& path);

/// docs/configuration.md, whole: a test keeps the file equal to it.
[[nodiscard]] std::string configuration_page();

}  // namespace kpay::config
