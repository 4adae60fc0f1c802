#include "config/daemon_config.h"

#include <gtest/gtest.h>

namespace kpay::config {
namespace {

const std::string kLeast =
    "instance: {id: account-1}\nkafka: {bootstrap_servers: [b:9092]}\nstate: {directory: /var/x}\n";

std::string error_of(const std::string& more) {
  const Result<Config> config = parse(more, "f.yml", daemon_schema());
  return config ? "accepted" : config.error().message;
}

TEST(DaemonConfig, TheLeastFileGivesTheDefaults) {
  const Result<Config> config = parse(kLeast, "f.yml", daemon_schema());
  ASSERT_TRUE(config) << config.error().message;
  const DaemonConfig daemon = daemon_config(*config);
  EXPECT_EQ(daemon.instance_id, "account-1");
  EXPECT_EQ(daemon.kafka.bootstrap_servers, "b:9092");
  EXPECT_EQ(daemon.kafka.topic_prefix, "kpay.");
  EXPECT_EQ(daemon.kafka.partitions, 12);
  EXPECT_EQ(daemon.checkpoint.interval, std::chrono::seconds(1));
  EXPECT_EQ(daemon.checkpoint.base_every, 600U);
  EXPECT_EQ(daemon.http.listen, (Address{"127.0.0.1", 0}));
  EXPECT_FALSE(daemon.http.tls.has_value());
  EXPECT_EQ(daemon.worker.unacknowledged_bytes_max, 32U << 20U);
  EXPECT_EQ(daemon.log.format, LogFormat::automatic);
  EXPECT_EQ(daemon.log.level, LogLevel::info);
  EXPECT_EQ(daemon.stop_deadline, std::chrono::seconds(25));
  EXPECT_EQ(daemon.time_jump_max, std::chrono::minutes(30));
  EXPECT_EQ(daemon.hash.size(), 32U);
}

TEST(DaemonConfig, WordsBecomeTheirEnumerators) {
  const Result<Config> config = parse(
      "instance: {id: a}\nstate: {directory: /x, synchronous: full}\n"
      "kafka:\n  bootstrap_servers: [b:1, '[::1]:2']\n  security_protocol: sasl_ssl\n"
      "  sasl_username: u\n  sasl_password_file: /p\nlog: {level: error, format: json}\n",
      "f.yml", daemon_schema());
  ASSERT_TRUE(config) << config.error().message;
  const DaemonConfig daemon = daemon_config(*config);
  EXPECT_EQ(daemon.kafka.security_protocol, SecurityProtocol::sasl_ssl);
  EXPECT_EQ(daemon.kafka.bootstrap_servers, "b:1,[::1]:2");
  EXPECT_EQ(daemon.state.synchronous, Synchronous::full);
  EXPECT_EQ(daemon.log.level, LogLevel::error);
  EXPECT_EQ(daemon.log.format, LogFormat::json);
}

TEST(DaemonConfig, ListeningOnTheNetworkNeedsMutualTls) {
  EXPECT_EQ(error_of(kLeast + "http:\n  listen: 0.0.0.0:8080\n"),
            "f.yml:5:3: http.listen: \"0.0.0.0:8080\" is not loopback, which needs mutual TLS; set "
            "http.tls_certificate_file, http.tls_key_file, http.tls_client_ca_file, or listen on "
            "127.0.0.1");
  EXPECT_NE(error_of(kLeast + "http: {listen: '10.0.0.1:1', tls_certificate_file: /c, "
                              "tls_key_file: /k}\n")
                .find("set http.tls_client_ca_file, or"),
            std::string::npos);
  EXPECT_EQ(error_of(kLeast + "http: {listen: '10.0.0.1:1', tls_certificate_file: /c, "
                              "tls_key_file: /k, tls_client_ca_file: /a}\n"),
            "accepted");
  EXPECT_NE(
      error_of(kLeast + "http: {tls_key_file: /k}\n").find("http.tls_key_file: is set without"),
      std::string::npos);
}

TEST(DaemonConfig, SecurityThatDoesNotFitTogetherIsRefused) {
  const auto with = [](const std::string& kafka) {
    return error_of(
        "instance: {id: a}\nstate: {directory: /x}\nkafka:\n"
        "  bootstrap_servers: [b:1]\n" +
        kafka);
  };
  EXPECT_NE(with("  security_protocol: sasl_ssl\n").find("kafka.sasl_username: is missing while"),
            std::string::npos);
  EXPECT_NE(with("  security_protocol: ssl\n  ssl_key_file: /k\n")
                .find("kafka.ssl_key_file: is set without kafka.ssl_certificate_file"),
            std::string::npos);
  EXPECT_NE(with("  ssl_ca_file: /k\n").find("is set while kafka.security_protocol is plaintext"),
            std::string::npos);
}

TEST(DaemonConfig, ToolsTakeTheKafkaFieldsAndNoOthers) {
  EXPECT_TRUE(parse("kafka: {bootstrap_servers: [b:1]}\n", "f.yml", tool_schema()));
  EXPECT_FALSE(parse(kLeast, "f.yml", tool_schema()));
  const Schema tools = tool_schema();
  for (const Field& field : tools.fields()) {
    EXPECT_TRUE(field.path.starts_with("kafka.")) << field.path;
  }
}

}  // namespace
}  // namespace kpay::config
