// Connection: where the cluster is, and how the topics of kpay are called and cut there.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "kafka/admin.h"

namespace kpay::load {

/// As typed; empty where nothing was said.
struct ConnectionFlags {
  std::string bootstrap;
  std::string prefix;
};

/// A cluster that has answered. Threads: one at a time.
struct Connection {
  kafka::ClientOptions client;
  std::string prefix;
  std::unique_ptr<kafka::Admin> admin;
  Uuid incoming_id;  ///< of payments.incoming: another cluster, or a topic made anew, has another
  std::int32_t partitions = 0;

  [[nodiscard]] std::string topic(std::string_view name) const {
    return prefix + std::string(name);
  }
  /// Where each partition of the topic begins and ends now. Errors: not_found, unavailable.
  [[nodiscard]] Result<std::vector<stream::LogBounds>> bounds(std::string_view name) const;
  /// The ends alone: to read what comes from now on.
  [[nodiscard]] Result<std::vector<std::int64_t>> ends(std::string_view name) const;
};

/// A flag goes before KPAY_BOOTSTRAP_SERVERS and KPAY_TOPIC_PREFIX. Errors: invalid (no broker is
/// named), unavailable (none answers), not_found (the topics aren't there).
[[nodiscard]] Result<Connection> connect(const ConnectionFlags& flags);

}  // namespace kpay::load
