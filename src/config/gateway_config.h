// GatewayConfig: what kpay-gateway is told by its file, as plain values. The fields that it shares
// with the daemons are theirs, with the same bounds and sentences; docs/configuration.md has both.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "config/daemon_config.h"

namespace kpay::config {

struct GatewayConfig {
  std::string instance_id;
  KafkaConfig kafka;
  Address listen;
  TlsFiles tls;       ///< of the listener; without: in the clear. client_ca is empty
  bool open = false;  ///< nobody logs in
  std::string users_file;
  std::chrono::milliseconds session_idle_max{};
  std::chrono::milliseconds session_age_max{};
  std::int64_t requests_per_second = 0;  ///< of one caller
  TlsFiles daemons;  ///< how daemons are asked; empty: in the clear. client_ca is theirs
  LogConfig log;
  std::chrono::milliseconds stop_deadline{};
  std::string hash;  ///< of all values (Config::hash())
};

[[nodiscard]] Schema gateway_schema();

/// Errors: those of load().
[[nodiscard]] Result<GatewayConfig> load_gateway_config(const std::string& path);

}  // namespace kpay::config
