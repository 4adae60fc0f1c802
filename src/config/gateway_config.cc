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
       .about = "Where the page and the API are served; other than loopback needs TLS and users."},
      {.path = "http.tls_certificate_file",
       .type = Type::file,
       .about = "The gateway's certificate with its chain, PEM; read again when it changes."},
      {.path = "http.tls_key_file",
       .type = Type::file,
       .about = "The key of that certificate, PEM; both TLS files or none."},
      {.path = "access.mode",
       .type = Type::word,
       .standard = "users",
       .words = {"users", "none"},
       .about = "Whether people log in; with none, whoever reaches the gateway may do everything "
                "(loopback only)."},
      {.path = "access.users_file",
       .type = Type::file,
       .standard = "/etc/kpay/gateway/users",
       .about =
           "Users and tokens, as `kpay-gateway users` writes them; read again when it changes."},
      {.path = "access.session_idle",
       .type = Type::duration,
       .standard = "30m",
       .min = 60'000,
       .max = 86'400'000,
       .about = "A session in which nobody did anything for so long is over."},
      {.path = "access.session_max",
       .type = Type::duration,
       .standard = "12h",
       .min = 60'000,
       .max = 604'800'000,
       .about = "A session is over after this time, whatever was done."},
      {.path = "access.requests_per_second",
       .type = Type::integer,
       .standard = "20000",
       .min = 1,
       .max = 1'000'000,
       .about = "How many requests one user, token or (with mode none) address may make; more get "
                "429."},
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

void check_listen(const Config& config, const Report& report) {
  const bool has_tls = config.has("http.tls_certificate_file");
  if (has_tls != config.has("http.tls_key_file")) {
    report(has_tls ? "http.tls_key_file" : "http.tls_certificate_file",
           "is missing while the other one is set; set both or none");
  }
  if (is_loopback(config.address("http.listen"))) {
    return;
  }
  const std::string here = "\"" + config.text("http.listen") + "\" is not loopback";
  if (!has_tls) {
    report("http.listen", here +
                              ", and there is no TLS: passwords would travel in the clear; set "
                              "http.tls_certificate_file and http.tls_key_file, or listen on "
                              "127.0.0.1 and come through an SSH tunnel");
  }
  if (config.text("access.mode") == "none") {
    report("access.mode", "is none, and " + here +
                              ": everybody there could do everything; users "
                              "is right, or to listen on 127.0.0.1");
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
  gateway.tls = {config->text("http.tls_certificate_file"), config->text("http.tls_key_file"), ""};
  gateway.open = config->text("access.mode") == "none";
  gateway.users_file = config->text("access.users_file");
  gateway.session_idle_max = config->duration("access.session_idle");
  gateway.session_age_max = config->duration("access.session_max");
  gateway.requests_per_second = config->integer("access.requests_per_second");
  gateway.daemons = {config->text("daemons.tls_certificate_file"),
                     config->text("daemons.tls_key_file"), config->text("daemons.tls_ca_file")};
  gateway.log = log_config(*config);
  gateway.stop_deadline = config->duration("stop.deadline");
  gateway.hash = config->hash();
  return gateway;
}

}  // namespace kpay::config
