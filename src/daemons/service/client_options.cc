#include "config/config.h"
#include "daemons/service/service.h"

namespace kpay::daemons {

Result<kafka::ClientOptions> client_options(const config::KafkaConfig& config,
                                            const std::string& client_id) {
  static constexpr const char* kProtocols[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};
  kafka::ClientOptions options;
  options.bootstrap_servers = config.bootstrap_servers;
  options.client_id = client_id;
  options.security_protocol = kProtocols[static_cast<int>(config.security_protocol)];
  options.ssl_ca_file = config.ssl_ca_file;
  options.ssl_certificate_file = config.ssl_certificate_file;
  options.ssl_key_file = config.ssl_key_file;
  if (!config.sasl_username.empty()) {
    options.sasl_mechanism = config.sasl_mechanism;
    options.sasl_username = config.sasl_username;
    Result<std::string> password = config::read_secret(config.sasl_password_file);
    if (!password) {
      return Unexpected(password.error());
    }
    options.sasl_password = std::move(*password);
  }
  options.linger_ms = static_cast<int>(config.linger.count());
  options.session_timeout_ms = static_cast<int>(config.session_timeout.count());
  return options;
}

}  // namespace kpay::daemons
