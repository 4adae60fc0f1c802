#include "config/gateway_config.h"

#include <algorithm>

namespace kpay::config {
namespace {

// Those of the daemons' fields that a process without tasks has, too.
bool is_shared(const Field& field) {
  return field.path == "instance.id" || field.path.starts_with("log.") ||
         field.path == "stop.deadline" || field.path.starts_with("kafka.");
}

std::vector<Field> own_fields() {
  return {
      {.path = "http.listen",
       .type = Type::address,
       .standard = "127.0.0.1:8080",
       .about = "Where the page and the API are served: loopback only, since nobody logs in."},
      {.path = "daemons.tls_ca_file",
       .type = Type::file,
       .about = "Certificates that sign the daemons'; unset: daemons are asked in the clear."},
      {.path = "daemons.tls_certificate_file",
       .type = Type::file,
       .about = "The gateway's certificate for them, PEM; all three TLS files or none."},
      {.path = "daemons.tls_key_file",
       .type = Type::file,
       .about = "The key of that certificate, PEM."},
  };
}

// There are no users yet: whoever reaches the gateway may do everything.
void check_listen(const Config& config, const Report& report) {
  if (!is_loopback(config.address("http.listen"))) {
    report("http.listen", "\"" + config.text("http.listen") +
                              "\" is not loopback, and the gateway has no users yet; listen on "
                              "127.0.0.1, and reach it from elsewhere through an SSH tunnel");
  }
}

void check_daemons(const Config& config, const Report& report) {
  const std::vector<std::string> files{"daemons.tls_ca_file", "daemons.tls_certificate_file",
                                       "daemons.tls_key_file"};
  const auto set = std::count_if(files.begin(), files.end(),
                                 [&](const std::string& file) { return config.has(file); });
  if (set == 0 || set == static_cast<std::ptrdiff_t>(files.size())) {
    return;
  }
  for (const std::string& file : files) {
    if (!config.has(file)) {
      report(file, "is missing while other files of daemons.tls are set; set all three or none");
    }
  }
}

}  // namespace

Schema gateway_schema() {
  std::vector<Field> fields;
  for (const Field& field : daemon_fields()) {
    if (is_shared(field)) {
      fields.push_back(field);
    }
  }
  for (const Field& field : own_fields()) {
    fields.push_back(field);
  }
  return Schema(std::move(fields), {tool_schema().rules().front(), check_listen, check_daemons});
}

Result<GatewayConfig> load_gateway_config(const std::string& path) {
  const Schema schema = gateway_schema();
  Result<Config> config = load(path, schema);
  if (!config) {
    return Unexpected(config.error());
  }
  GatewayConfig gateway;
  gateway.instance_id = config->text("instance.id");
  gateway.kafka = kafka_config(*config);
  gateway.listen = config->address("http.listen");
  gateway.daemons = {config->text("daemons.tls_certificate_file"),
                     config->text("daemons.tls_key_file"), config->text("daemons.tls_ca_file")};
  gateway.log = log_config(*config);
  gateway.stop_deadline = config->duration("stop.deadline");
  gateway.hash = config->hash();
  return gateway;
}

}  // namespace kpay::config
