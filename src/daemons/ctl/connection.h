// Connection: where the cluster is and how its topics are called, from flags, environment, file.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "kafka/topic_reader.h"

namespace kpay::ctl {

/// As typed; empty (or 0) where nothing was said.
struct ConnectionFlags {
  std::string bootstrap;
  std::string config_file;
  std::string prefix;
  std::int32_t partitions = 0;
  std::string http_ca;  ///< with a certificate: daemons are asked over mutual TLS
  std::string http_certificate;
  std::string http_key;
};

struct Connection {
  kafka::ClientOptions client;
  std::string prefix = "kpay.";
  std::optional<std::int32_t> partitions;  ///< nothing: as many as the topics have

  [[nodiscard]] std::string topic(std::string_view name) const {
    return prefix + std::string(name);
  }
};

inline constexpr int kAnswerMs = 10'000;

/// A flag goes before KPAY_BOOTSTRAP_SERVERS (and KPAY_TOPIC_PREFIX), and that before the file.
/// Errors: invalid (nothing says where the brokers are), and those of the file.
[[nodiscard]] Result<Connection> resolve(const ConnectionFlags& flags);

/// Connects and asks the cluster for its id, so that an unreachable one is told at once.
[[nodiscard]] Result<std::unique_ptr<kafka::TopicReader>> reach(const Connection& connection);

/// The partitions of payments.incoming, or what was said. Errors: not_found, with a hint.
[[nodiscard]] Result<std::int32_t> partition_count(const Connection& connection,
                                                   kafka::Admin& admin);

/// All three of the above.
struct Reached {
  Connection connection;
  std::unique_ptr<kafka::TopicReader> reader;
  std::int32_t partitions = 0;
};
[[nodiscard]] Result<Reached> reach_system(const ConnectionFlags& flags);

}  // namespace kpay::ctl
