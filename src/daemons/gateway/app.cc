#include "daemons/gateway/app.h"

#include "daemons/access/people_commands.h"
#include "daemons/gateway/gateway.h"
#include "daemons/gateway/operations.h"
#include "daemons/service/plain_app.h"

namespace kpay::gateway {

namespace {

Result<std::string> people_file(const std::string& config_file) {
  const Result<config::GatewayConfig> config = config::load_gateway_config(config_file);
  return config ? Result<std::string>(config->users_file) : Unexpected(config.error());
}

}  // namespace

int run_app(int argc, char** argv) {
  if (access::is_people_command(argc, argv)) {
    const access::PeopleTool people{"kpay-gateway", people_file, operation_ids()};
    return access::run_people_tool(people, argc, argv);
  }
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
      [load](const std::string& file) { return check_gateway(load(file)); },
      "users, tokens: who may use it; `kpay-gateway users --help` says more"};
  return daemons::run_plain_app(plain, argc, argv);
}

}  // namespace kpay::gateway
