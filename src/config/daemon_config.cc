#include "config/daemon_config.h"

#include "base/check.h"

namespace kpay::config {
namespace {

// The enumerator whose number is the place of the word in the field's list.
template <class Enum>
Enum word(const Config& config, std::string_view path, const std::vector<Field>& fields) {
  for (const Field& field : fields) {
    for (std::size_t i = 0; field.path == path && i < field.words.size(); ++i) {
      if (field.words[i] == config.text(path)) {
        return static_cast<Enum>(i);
      }
    }
  }
  check(false, "a word of the configuration is one of its field's words");
  return {};
}

std::vector<Field> kafka_fields() {
  constexpr std::int64_t kMinute = 60'000;
  return {
      {.path = "kafka.bootstrap_servers",
       .type = Type::addresses,
       .required = true,
       .min = 1,
       .about = "Brokers to ask first; the others are learned from them."},
      {.path = "kafka.topic_prefix",
       .standard = "kpay.",
       .max = 64,
       .characters = "a-zA-Z0-9._-",
       .about = "The beginning of every topic's name."},
      {.path = "kafka.partitions",
       .type = Type::integer,
       .standard = "12",
       .min = 1,
       .max = 1024,
       .about = "Partitions of every stage's topic; fixed for a generation of topics (R10)."},
      {.path = "kafka.security_protocol",
       .type = Type::word,
       .standard = "plaintext",
       .words = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"},
       .about = "How brokers are spoken to."},
      {.path = "kafka.ssl_ca_file",
       .type = Type::file,
       .about = "Certificates that sign the brokers'; unset: those of the system."},
      {.path = "kafka.ssl_certificate_file",
       .type = Type::file,
       .about = "This principal's certificate, PEM."},
      {.path = "kafka.ssl_key_file",
       .type = Type::file,
       .about = "The key of that certificate, PEM."},
      {.path = "kafka.sasl_mechanism",
       .type = Type::word,
       .standard = "SCRAM-SHA-512",
       .words = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"},
       .about = "How a password is proven, with a SASL protocol."},
      {.path = "kafka.sasl_username", .about = "The principal, with a SASL protocol."},
      {.path = "kafka.sasl_password_file",
       .type = Type::file,
       .about = "A file that holds the principal's password and nothing else."},
      {.path = "kafka.linger",
       .type = Type::duration,
       .standard = "0ms",
       .min = 0,
       .max = 100,
       .about = "How long a frame waits for company before it is sent."},
      {.path = "kafka.session_timeout",
       .type = Type::duration,
       .standard = "10s",
       .min = 6'000,
       .max = 30 * kMinute,
       .about = "How long the group waits for a silent member before its tasks move."},
  };
}

std::vector<Field> state_fields() {
  return {
      {.path = "state.directory",
       .type = Type::file,
       .required = true,
       .about = "Where the tasks' files are; of this daemon alone."},
      {.path = "state.synchronous",
       .type = Type::word,
       .standard = "normal",
       .words = {"normal", "full"},
       .about = "SQLite's synchronous mode; full also syncs the WAL at each commit (R17)."},
      {.path = "state.standbys",
       .type = Type::boolean,
       .standard = "false",
       .about = "Follow the changelogs of the partitions that would come here if another instance "
                "were lost, so that they go on at once (R18). Costs their memory and disk."},
      {.path = "snapshots.directory",
       .type = Type::file,
       .about = "Where snapshots are kept; unset: snapshots in state.directory. Another disk keeps "
                "them when that one is lost."},
      {.path = "snapshots.every",
       .type = Type::duration,
       .standard = "24h",
       .min = 0,
       .max = 90LL * 24 * 3'600'000,
       .about =
           "Time from one snapshot of a task to its next; 0s: only `admin snapshot` takes any. "
           "The inputs are kept from the oldest one on (R20)."},
      {.path = "snapshots.keep",
       .type = Type::integer,
       .standard = "7",
       .min = 1,
       .max = 400,
       .about = "How many snapshots of each task are kept, the newest."},
      {.path = "checkpoint.interval",
       .type = Type::duration,
       .standard = "1s",
       .min = 50,
       .max = 60'000,
       .about = "Time from one checkpoint of a task to its next (R14)."},
      {.path = "checkpoint.dirty_rows_max",
       .type = Type::integer,
       .standard = "50000",
       .min = 100,
       .max = 10'000'000,
       .about = "A checkpoint starts early when this many rows have changed."},
      {.path = "checkpoint.base_every",
       .type = Type::integer,
       .standard = "600",
       .min = 2,
       .max = 100'000,
       .about = "Checkpoints from one base of the changelog to the next (R14), at least: a base "
                "comes when as many rows as the state has were written since the last one."},
  };
}

std::vector<Field> serving_fields() {
  return {
      {.path = "http.listen",
       .type = Type::address,
       .standard = "127.0.0.1:0",
       .about = "Where health, metrics and tables are served; port 0 takes a free one."},
      {.path = "http.tls_certificate_file",
       .type = Type::file,
       .about = "The server's certificate chain, PEM; all three TLS files or none."},
      {.path = "http.tls_key_file",
       .type = Type::file,
       .about = "The key of that certificate, PEM."},
      {.path = "http.tls_client_ca_file",
       .type = Type::file,
       .about = "Certificates that sign the clients'; a client without one is refused."},
      {.path = "admin.socket",
       .type = Type::file,
       .about = "The admin socket; unset: admin.sock in systemd's RUNTIME_DIRECTORY, if there is "
                "one, and otherwise no admin socket."},
  };
}

std::vector<Field> process_fields() {
  constexpr std::int64_t kMiB = 1 << 20;
  constexpr std::int64_t kMinute = 60'000;
  return {
      {.path = "worker.threads",
       .type = Type::integer,
       .standard = "1",
       .min = 1,
       .max = 64,
       .about = "Threads that run tasks; one task is run by one thread at a time."},
      {.path = "worker.unacknowledged_bytes_max",
       .type = Type::size,
       .standard = "32MiB",
       .min = kMiB,
       .max = 1024 * kMiB,
       .about = "A task stops reading while more of its output is unacknowledged (R27)."},
      {.path = "worker.input_batch_records",
       .type = Type::integer,
       .standard = "1000",
       .min = 1,
       .max = 100'000,
       .about = "Input records that a task takes at most in one step."},
      {.path = "log.level",
       .type = Type::word,
       .standard = "info",
       .words = {"debug", "info", "warning", "error"},
       .about = "The lowest level that is logged."},
      {.path = "log.format",
       .type = Type::word,
       .standard = "auto",
       .words = {"auto", "logfmt", "json"},
       .about = "auto is logfmt on a terminal and JSON lines elsewhere."},
      {.path = "stop.deadline",
       .type = Type::duration,
       .standard = "25s",
       .min = 1'000,
       .max = 10 * kMinute,
       .about = "What can't be finished within this time after a stop is abandoned."},
      {.path = "time.jump_max",
       .type = Type::duration,
       .standard = "30m",
       .min = 1'000,
       .max = 7 * 24 * 60 * kMinute,
       .about = "A task waits for an operator before event time jumps further (R3)."},
  };
}

// What is right between the fields of kafka.*.
void check_kafka(const Config& config, const Report& report) {
  const std::string& protocol = config.text("kafka.security_protocol");
  if (config.has("kafka.ssl_certificate_file") != config.has("kafka.ssl_key_file")) {
    const bool has_key = config.has("kafka.ssl_key_file");
    const std::string lone = has_key ? "kafka.ssl_key_file" : "kafka.ssl_certificate_file";
    const std::string other = has_key ? "kafka.ssl_certificate_file" : "kafka.ssl_key_file";
    report(lone, "is set without " + other + "; set both or neither");
  }
  if (protocol.starts_with("sasl_")) {
    for (const char* needed : {"kafka.sasl_username", "kafka.sasl_password_file"}) {
      if (!config.has(needed)) {
        report(needed, "is missing while kafka.security_protocol is " + protocol +
                           "; set it, or choose plaintext or ssl");
      }
    }
  }
  if (!protocol.ends_with("ssl")) {
    for (const char* unused : {"kafka.ssl_ca_file", "kafka.ssl_certificate_file"}) {
      if (config.has(unused)) {
        report(unused, "is set while kafka.security_protocol is " + protocol +
                           "; remove it, or choose ssl or sasl_ssl");
      }
    }
  }
}

// A daemon speaks to the network only with both sides proven.
void check_http(const Config& config, const Report& report) {
  const std::vector<std::string> files{"http.tls_certificate_file", "http.tls_key_file",
                                       "http.tls_client_ca_file"};
  std::string missing;
  std::size_t missing_count = 0;
  for (const std::string& file : files) {
    if (!config.has(file)) {
      missing += (missing_count++ == 0 ? "" : ", ") + file;
    }
  }
  if (missing_count > 0 && !is_loopback(config.address("http.listen"))) {
    report("http.listen", "\"" + config.text("http.listen") +
                              "\" is not loopback, which needs mutual TLS; set " + missing +
                              ", or listen on 127.0.0.1");
  } else if (missing_count > 0 && missing_count < files.size()) {
    for (const std::string& file : files) {
      if (config.has(file)) {
        report(file, "is set without " + missing + "; set all three TLS files or none");
        return;
      }
    }
  }
}

}  // namespace

std::vector<Field> daemon_fields() {
  std::vector<Field> fields{{.path = "instance.id",
                             .required = true,
                             .max = 64,
                             .characters = "a-z0-9-",
                             .about = "The daemon's name in its group; unique, kept for life."}};
  for (const auto& more : {kafka_fields(), state_fields(), serving_fields(), process_fields()}) {
    fields.insert(fields.end(), more.begin(), more.end());
  }
  return fields;
}

std::vector<Rule> daemon_rules() { return {check_kafka, check_http}; }
Schema daemon_schema() { return Schema(daemon_fields(), daemon_rules()); }
Schema tool_schema() { return Schema(kafka_fields(), {check_kafka}); }

KafkaConfig kafka_config(const Config& config) {
  KafkaConfig kafka;
  for (const std::string& server : config.texts("kafka.bootstrap_servers")) {
    kafka.bootstrap_servers += (kafka.bootstrap_servers.empty() ? "" : ",") + server;
  }
  kafka.topic_prefix = config.text("kafka.topic_prefix");
  kafka.partitions = static_cast<int>(config.integer("kafka.partitions"));
  kafka.security_protocol =
      word<SecurityProtocol>(config, "kafka.security_protocol", kafka_fields());
  kafka.ssl_ca_file = config.text("kafka.ssl_ca_file");
  kafka.ssl_certificate_file = config.text("kafka.ssl_certificate_file");
  kafka.ssl_key_file = config.text("kafka.ssl_key_file");
  kafka.sasl_mechanism = config.text("kafka.sasl_mechanism");
  kafka.sasl_username = config.text("kafka.sasl_username");
  kafka.sasl_password_file = config.text("kafka.sasl_password_file");
  kafka.linger = config.duration("kafka.linger");
  kafka.session_timeout = config.duration("kafka.session_timeout");
  return kafka;
}

LogConfig log_config(const Config& config) {
  const std::vector<Field> fields = process_fields();
  return {word<LogLevel>(config, "log.level", fields),
          word<LogFormat>(config, "log.format", fields)};
}

HttpConfig http_config(const Config& config) {
  HttpConfig http;
  http.listen = config.address("http.listen");
  if (config.has("http.tls_certificate_file")) {
    http.tls = TlsFiles{config.text("http.tls_certificate_file"), config.text("http.tls_key_file"),
                        config.text("http.tls_client_ca_file")};
  }
  return http;
}

DaemonConfig daemon_config(const Config& config) {
  const auto count = [&](std::string_view path) {
    return static_cast<std::size_t>(config.integer(path));
  };
  const std::vector<Field> fields = daemon_fields();
  DaemonConfig daemon;
  daemon.instance_id = config.text("instance.id");
  daemon.kafka = kafka_config(config);
  daemon.state = {config.text("state.directory"),
                  word<Synchronous>(config, "state.synchronous", fields),
                  config.boolean("state.standbys")};
  daemon.snapshots = {config.has("snapshots.directory") ? config.text("snapshots.directory")
                                                        : daemon.state.directory + "/snapshots",
                      config.duration("snapshots.every"), count("snapshots.keep")};
  daemon.checkpoint = {config.duration("checkpoint.interval"), count("checkpoint.dirty_rows_max"),
                       count("checkpoint.base_every")};
  daemon.http = http_config(config);
  daemon.admin_socket = config.text("admin.socket");
  daemon.worker = {count("worker.threads"), config.size("worker.unacknowledged_bytes_max"),
                   count("worker.input_batch_records")};
  daemon.log = log_config(config);
  daemon.stop_deadline = config.duration("stop.deadline");
  daemon.time_jump_max = config.duration("time.jump_max");
  daemon.hash = config.hash();
  return daemon;
}

Result<DaemonConfig> load_daemon_config(const std::string& path) {
  Result<Config> config = load(path, daemon_schema());
  if (!config) {
    return Unexpected(config.error());
  }
  return daemon_config(*config);
}

}  // namespace kpay::config
