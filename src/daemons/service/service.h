// Service: what every daemon is made of: its stages over Kafka, the HTTP endpoints, telemetry, the
// control plane's topics, and signals. Composition only; each part has its own folder.
#pragma once

#include <chrono>
#include <optional>

#include "config/daemon_config.h"
#include "daemons/service/app.h"
#include "kafka/client.h"

namespace kpay::daemons {

struct BuildInfo {
  std::string version;
  std::string commit;
};

/// Runs until SIGTERM or SIGINT: then a task drain within the configured deadline. Exit code.
/// With `finish`, it also ends by itself, when each task that the groups give it stands at a switch
/// record that leads to a later logic than this build's (R22), or after that time.
int run_service(const DaemonKind& kind, const config::DaemonConfig& config, const BuildInfo& build,
                std::optional<std::chrono::seconds> finish = {});

/// State folder, cluster, topics, settings: prints what is right and what isn't. Exit code.
int selfcheck(const DaemonKind& kind, const config::DaemonConfig& config);

/// The client options that the configuration means. Errors: the secret's file.
Result<kafka::ClientOptions> client_options(const config::KafkaConfig& config,
                                            const std::string& client_id);

}  // namespace kpay::daemons
