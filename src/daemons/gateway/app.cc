#include "daemons/gateway/app.h"

#include "daemons/gateway/gateway.h"
#include "daemons/service/plain_app.h"

namespace kpay::gateway {

int run_app(int argc, char** argv) {
  const auto load = [](const std::string& file) {
    return config::load_gateway_config(file).value();
  };
  const daemons::PlainApp plain{
      "kpay-gateway",
      "the API and the page",
      config::gateway_schema,
      [](const std::string& file) -> Result<std::string> {
        const Result<config::GatewayConfig> config = config::load_gateway_config(file);
        return config ? Result<std::string>(config->hash) : Unexpected(config.error());
      },
      [load](const std::string& file, const daemons::BuildInfo& build) {
        return run_gateway(load(file), build);
      },
      [load](const std::string& file) { return check_gateway(load(file)); }};
  return daemons::run_plain_app(plain, argc, argv);
}

}  // namespace kpay::gateway
