#include "daemons/gateway/gateway.h"

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/time.h"
#include "daemons/gateway/actions.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/guard.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/page.h"
#include "daemons/service/exit_codes.h"
#include "daemons/service/signals.h"
#include "http/json.h"
#include "http/server.h"
#include "telemetry/systemd.h"
#include "telemetry/telemetry.h"

namespace kpay::gateway {

namespace {

constexpr const char* kName = "kpay-gateway";
constexpr long kSignalWaitNs = 200'000'000;
constexpr std::chrono::milliseconds kRetry{500};

telemetry::LogOptions log_options(const config::GatewayConfig& config) {
  telemetry::LogOptions options;
  options.format = static_cast<telemetry::LogFormat>(config.log.format);
  options.level = static_cast<telemetry::Level>(config.log.level);
  options.constant = {{"daemon", kName}, {"instance", config.instance_id}};
  return options;
}

Result<tool::Connection> connection_of(const config::GatewayConfig& config) {
  Result<kafka::ClientOptions> client =
      daemons::client_options(config.kafka, std::string(kName) + "-" + config.instance_id);
  if (!client) {
    return Unexpected(client.error());
  }
  return tool::Connection{std::move(*client), config.kafka.topic_prefix, config.kafka.partitions};
}

class Gateway {
 public:
  Gateway(const config::GatewayConfig& config, const daemons::BuildInfo& build)
      : config_(config),
        build_(build),
        telemetry_(log_options(config)),
        signals_(daemons::block_signals()),
        actions_(config.instance_id, telemetry_) {}

  int run();

 private:
  Result<void> read_people();
  void look_at_people();
  Result<void> serve();
  void add_health(http::Router& router);
  ApiParts api_parts();
  void reach();
  Result<void> reach_once();
  int wait_for_signal();
  int stop(int signal);
  int refuse(const Error& error);
  void fail(const Error& error);
  void set_state(const std::string& text);
  [[nodiscard]] std::string state();
  [[nodiscard]] std::shared_ptr<Live> live();
  [[nodiscard]] std::string url() const;

  const config::GatewayConfig& config_;
  const daemons::BuildInfo& build_;
  telemetry::Telemetry telemetry_;
  sigset_t signals_;
  std::shared_ptr<http::Broadcaster> broadcaster_ = std::make_shared<http::Broadcaster>();
  std::optional<telemetry::Systemd> systemd_;
  ActionLog actions_;
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<Guard> guard_;
  std::int64_t people_at_ms_ = 0;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> failed_ = false;
  std::string address_;
  std::mutex mutex_;  // guards what follows
  std::string state_ = "starting";
  std::shared_ptr<Live> live_;
  std::optional<Error> failure_;
  std::unique_ptr<http::Server> server_;
  std::thread reacher_;
};

void Gateway::set_state(const std::string& text) {
  const std::lock_guard lock(mutex_);
  state_ = text;
}

std::string Gateway::state() {
  const std::lock_guard lock(mutex_);
  return state_;
}

std::shared_ptr<Live> Gateway::live() {
  const std::lock_guard lock(mutex_);
  return live_;
}

std::string Gateway::url() const {
  return (config_.tls.certificate.empty() ? "http://" : "https://") + address_;
}

// The world has failed in a way that only a new start mends.
void Gateway::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = error;
  }
  failed_ = true;
}

int Gateway::refuse(const Error& error) {
  std::fprintf(stderr, "%s: %s\n", kName, error.message.c_str());
  return daemons::exit_code_of(error.code);
}

void Gateway::add_health(http::Router& router) {
  router.add("GET", "/healthz", [](const http::Request&) {
    return http::json_response(http::JsonObject().add("healthy", true).add("reason", "").finish());
  });
  router.add("GET", "/readyz", [this](const http::Request&) {
    const bool ready = live() != nullptr;
    return http::json_response(
        http::JsonObject().add("ready", ready).add("reason", ready ? "" : state()).finish(),
        ready ? 200 : 503);
  });
  router.add("GET", "/metrics", [this](const http::Request&) {
    return http::text_response(telemetry_.metrics().render(), telemetry::Metrics::content_type);
  });
}

ApiParts Gateway::api_parts() {
  static constexpr const char* kProtocols[] = {"plaintext", "ssl", "sasl_plaintext", "sasl_ssl"};
  ApiParts parts;
  parts.live = [this] { return live(); };
  parts.broadcaster = broadcaster_;
  parts.access = access_.get();
  parts.guard = guard_.get();
  parts.tls = !config_.tls.certificate.empty();
  parts.loopback = config::is_loopback(config_.listen);
  parts.process = {config_.instance_id,
                   build_.version,
                   build_.commit,
                   config_.hash,
                   config_.kafka.bootstrap_servers,
                   config_.kafka.topic_prefix,
                   kProtocols[static_cast<int>(config_.kafka.security_protocol)],
                   wall_clock_now().ms};
  return parts;
}

Result<void> Gateway::read_people() {
  access::AccessOptions options;
  options.open = config_.open;
  options.users_file = config_.users_file;
  options.session_idle_max = config_.session_idle_max;
  options.session_age_max = config_.session_age_max;
  options.requests_per_second = static_cast<double>(config_.requests_per_second);
  Result<std::unique_ptr<access::Access>> access = access::Access::start(std::move(options));
  if (!access) {
    // Whatever it is, a restart can't help.
    return Unexpected(ErrorCode::invalid,
                      access.error().message + "; `kpay-gateway users init --file " +
                          config_.users_file +
                          "` makes a file with an admin, whose password it shows once");
  }
  access_ = std::move(*access);
  guard_ = std::make_unique<Guard>(*access_, actions_, !config_.tls.certificate.empty());
  return {};
}

// What `kpay-gateway users` has changed holds within a second, and is audited.
void Gateway::look_at_people() {
  if (monotonic_ms() - people_at_ms_ < limits::file_look_ms) {
    return;
  }
  people_at_ms_ = monotonic_ms();
  const Result<std::vector<std::string>> changes = access_->refresh();
  if (!changes) {
    telemetry_.emit(telemetry::FileRefused{config_.users_file, changes.error().message});
    return;
  }
  if (!changes->empty()) {
    telemetry_.emit(telemetry::FileTaken{config_.users_file});
  }
  const Result<bool> certificate = server_->refresh_tls();
  if (!certificate) {
    telemetry_.emit(telemetry::FileRefused{config_.tls.certificate, certificate.error().message});
  } else if (*certificate) {
    telemetry_.emit(telemetry::FileTaken{config_.tls.certificate});
  }
  for (const std::string& change : *changes) {
    actions_.note({.at_ms = wall_clock_now().ms,
                   .action = "access.changed",
                   .who = "whoever may write " + config_.users_file,
                   .roles = "",
                   .from = "this host",
                   .target = config_.users_file,
                   .reason = change,
                   .result = "done"});
  }
}

Result<void> Gateway::serve() {
  http::Router router;
  router.set_guard(
      [guard = guard_.get()](const http::Router::Route& route, http::Request& request) {
        return guard->call(route, request);
      });
  add_health(router);
  const ApiParts parts = api_parts();
  add_payments_api(router, parts);
  add_batch_api(router, parts);
  add_accounts_api(router, parts);
  add_history_api(router, parts);
  add_pipeline_api(router, parts);
  add_load_api(router, parts);
  add_session_api(router, parts);
  add_letters_api(router, parts);
  add_requests_api(router, parts);
  add_system_api(router, parts);
  add_page(router);
  http::ServerOptions options;
  options.host = config_.listen.host;
  options.port = config_.listen.port;
  options.threads = limits::http_threads;
  options.body_bytes_max = limits::batch_bytes_max;
  options.telemetry = &telemetry_;
  if (!config_.tls.certificate.empty()) {
    options.tls = http::ServerTls{config_.tls.certificate, config_.tls.key, ""};
  }
  Result<std::unique_ptr<http::Server>> server = http::Server::start(options, std::move(router));
  if (!server) {
    return Unexpected(server.error());
  }
  server_ = std::move(*server);
  address_ = to_string(config::Address{config_.listen.host, server_->port()});
  return {};
}

Result<void> Gateway::reach_once() {
  Result<tool::Connection> connection = connection_of(config_);
  if (!connection) {
    return Unexpected(connection.error());
  }
  const ctl::HttpFlags daemons{config_.daemons.client_ca, config_.daemons.certificate,
                               config_.daemons.key, std::make_shared<http::Connections>()};
  Result<std::unique_ptr<Live>> live =
      Live::start(std::move(*connection), daemons, *broadcaster_, actions_,
                  [this](const Error& error) { fail(error); });
  if (!live) {
    return Unexpected(live.error());
  }
  const std::lock_guard lock(mutex_);
  live_ = std::move(*live);
  state_.clear();
  return {};
}

// Waits until there is a cluster with kpay's topics, as a daemon does, and says for what.
void Gateway::reach() {
  while (!stopping_) {
    const Result<void> reached = reach_once();
    if (reached) {
      systemd_->ready();
      return;
    }
    const ErrorCode code = reached.error().code;
    if (code != ErrorCode::unavailable && code != ErrorCode::not_found) {
      fail(reached.error());
      return;
    }
    if (state() != reached.error().message) {
      set_state(reached.error().message);
      telemetry_.emit(telemetry::BrokerUnavailable{.error = reached.error().message});
    }
    std::this_thread::sleep_for(kRetry);
  }
}

int Gateway::wait_for_signal() {
  const timespec wait{0, kSignalWaitNs};
  for (;;) {
    const int signal = sigtimedwait(&signals_, nullptr, &wait);
    if (signal > 0 || failed_) {
      return signal;
    }
    systemd_->watchdog();
    look_at_people();
    const std::string text = state();
    systemd_->status(text.empty() ? "running on " + url() : "waiting: " + text);
    telemetry_.log().flush_suppressed();
  }
}

int Gateway::run() {
  Result<telemetry::Systemd> systemd = telemetry::Systemd::from_environment();
  if (!systemd) {
    return refuse(systemd.error());
  }
  systemd_ = std::move(*systemd);
  Result<void> served = read_people();
  served = served ? serve() : served;
  if (!served) {
    return refuse(served.error());
  }
  telemetry_.metrics()
      .gauge(telemetry::families::build_info, {build_.version, build_.commit})
      .set(1);
  telemetry_.emit(telemetry::DaemonStarted{.version = build_.version,
                                           .commit = build_.commit,
                                           .config_hash = config_.hash,
                                           .http_address = address_});
  reacher_ = std::thread([this] { reach(); });
  return stop(wait_for_signal());
}

int Gateway::stop(int signal) {
  const std::int64_t begin_ms = monotonic_ms();
  stopping_ = true;
  telemetry_.emit(telemetry::DaemonStopping{.reason = signal > 0 ? strsignal(signal) : "failed",
                                            .deadline_ms = config_.stop_deadline.count()});
  systemd_->stopping();
  reacher_.join();
  server_->stop();
  server_.reset();  // no request is in hand any more BEFORE what they use goes
  {
    const std::lock_guard lock(mutex_);
    live_.reset();
  }
  broadcaster_.reset();
  const std::lock_guard lock(mutex_);
  const int code = failure_ ? refuse(*failure_) : daemons::kExitOk;
  telemetry_.emit(telemetry::DaemonStopped{
      .clean = !failure_, .exit_code = code, .took_ms = monotonic_ms() - begin_ms});
  return code;
}

}  // namespace

int run_gateway(const config::GatewayConfig& config, const daemons::BuildInfo& build) {
  return Gateway(config, build).run();
}

int check_gateway(const config::GatewayConfig& config) {
  Result<tool::Connection> connection = connection_of(config);
  Result<tool::Reached> reached =
      connection ? tool::reach_system(std::move(*connection)) : Unexpected(connection.error());
  if (!reached) {
    std::fprintf(stderr, "cluster: %s\n", reached.error().message.c_str());
    return daemons::exit_code_of(reached.error().code);
  }
  std::printf("config: ok, hash %s\ncluster: ok, %d partitions\n", config.hash.c_str(),
              static_cast<int>(reached->partitions));
  return daemons::kExitOk;
}

}  // namespace kpay::gateway
