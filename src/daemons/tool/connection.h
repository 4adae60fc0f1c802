// Connection: where the cluster is and how its topics are called, from flags, environment, file.
// Every command-line tool reaches its cluster by this.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kafka/topic_reader.h"

namespace CLI {
class App;
}

namespace kpay::tool {

/// As typed; empty (or 0) where nothing was said.
struct ConnectionFlags {
  std::string client_id;  ///< the tool's own name, not typed
  std::string bootstrap;
  std::string config_file;
  std::string context;  ///< a name (daemons/tool/contexts.h)
  std::string prefix;
  std::int32_t partitions = 0;
};

/// --bootstrap, --config, --context, --prefix, --partitions.
void add_connection_options(CLI::App& app, ConnectionFlags& flags);

struct Connection {
  kafka::ClientOptions client;
  std::string prefix = "kpay.";
  std::optional<std::int32_t> partitions;  ///< nothing: as many as the topics have

  [[nodiscard]] std::string topic(std::string_view name) const {
    return prefix + std::string(name);
  }
};

inline constexpr int kAnswerMs = 10'000;

/// A flag goes before KPAY_BOOTSTRAP_SERVERS (and KPAY_TOPIC_PREFIX), and that before the file: of
/// --config, else of --context (then the environment says nothing), else of KPAY_CONTEXT; and where
/// nothing else says where the brokers are, of the current context. Errors: invalid (nothing does),
/// and those of the file.
[[nodiscard]] Result<Connection> resolve(const ConnectionFlags& flags);

/// Connects and asks the cluster for its id, so that an unreachable one is told at once.
[[nodiscard]] Result<std::unique_ptr<kafka::TopicReader>> reach(const Connection& connection);

/// A cluster that has answered and has kpay's topics. Threads: one at a time.
struct Reached {
  Connection connection;
  std::unique_ptr<kafka::TopicReader> reader;
  std::int32_t partitions = 0;
  Uuid incoming_id;  ///< of payments.incoming: another cluster, or a topic made anew, has another

  [[nodiscard]] std::string topic(std::string_view name) const { return connection.topic(name); }
  /// Where each partition of the topic begins and ends now. Errors: not_found, unavailable.
  [[nodiscard]] Result<std::vector<stream::LogBounds>> bounds(std::string_view name) const;
  /// The ends alone: to read what comes from now on.
  [[nodiscard]] Result<std::vector<std::int64_t>> ends(std::string_view name) const;
};

/// resolve() and reach(), and what payments.incoming looks like. Errors: not_found, with a hint;
/// invalid, when it has another number of partitions than was said.
[[nodiscard]] Result<Reached> reach_system(const ConnectionFlags& flags);
[[nodiscard]] Result<Reached> reach_system(Connection connection);

}  // namespace kpay::tool
