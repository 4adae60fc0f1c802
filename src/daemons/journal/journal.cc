#include "daemons/journal/journal.h"

#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/time.h"
#include "core/horizon.h"
#include "daemons/journal/endpoints.h"
#include "daemons/journal/follower.h"
#include "daemons/service/exit_codes.h"
#include "daemons/service/signals.h"
#include "http/server.h"
#include "telemetry/systemd.h"

namespace kpay::journal {

namespace {

constexpr const char* kName = "kpay-journal";
constexpr long kSignalWaitNs = 200'000'000;
constexpr std::chrono::milliseconds kRetry{500};

telemetry::LogOptions log_options(const config::JournalConfig& config) {
  telemetry::LogOptions options;
  options.format = static_cast<telemetry::LogFormat>(config.log.format);
  options.level = static_cast<telemetry::Level>(config.log.level);
  options.constant = {{"daemon", kName}, {"instance", config.instance_id}};
  return options;
}

Result<tool::Reached> reach(const config::JournalConfig& config) {
  Result<kafka::ClientOptions> client =
      daemons::client_options(config.kafka, std::string(kName) + "-" + config.instance_id);
  return client ? tool::reach_system(
                      {std::move(*client), config.kafka.topic_prefix, config.kafka.partitions})
                : Unexpected(client.error());
}

class Journal {
 public:
  Journal(const config::JournalConfig& config, const daemons::BuildInfo& build)
      : config_(config),
        build_(build),
        telemetry_(log_options(config)),
        signals_(daemons::block_signals()) {}

  int run();

 private:
  Result<void> serve();
  void reach_until_stopped();
  Result<void> follow();
  int wait_for_signal();
  int stop(int signal);
  int refuse(const Error& error);
  void fail(const Error& error);
  std::string status_text();

  const config::JournalConfig& config_;
  const daemons::BuildInfo& build_;
  telemetry::Telemetry telemetry_;
  sigset_t signals_;
  std::optional<telemetry::Systemd> systemd_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> failed_ = false;
  std::mutex mutex_;  // guards what follows
  std::string waiting_ = "starting";
  std::shared_ptr<Follower> follower_;
  std::optional<Error> failure_;
  std::unique_ptr<http::Server> server_;
  std::thread reacher_;
};

void Journal::fail(const Error& error) {
  {
    const std::lock_guard lock(mutex_);
    failure_ = error;
  }
  failed_ = true;
}

int Journal::refuse(const Error& error) {
  std::fprintf(stderr, "%s: %s\n", kName, error.message.c_str());
  return daemons::exit_code_of(error.code);
}

Result<void> Journal::serve() {
  Served served;
  served.report = [this]() -> std::shared_ptr<const Report> {
    const std::lock_guard lock(mutex_);
    return follower_ == nullptr ? nullptr : follower_->report();
  };
  served.waiting = [this] {
    const std::lock_guard lock(mutex_);
    return waiting_;
  };
  served.queries = [this]() -> std::shared_ptr<Queries> {
    const std::lock_guard lock(mutex_);
    return follower_ == nullptr ? nullptr : follower_->queries();
  };
  served.telemetry = &telemetry_;
  served.instance = config_.instance_id;
  http::Router router;
  add_endpoints(router, served);
  http::ServerOptions options;
  options.host = config_.http.listen.host;
  options.port = config_.http.listen.port;
  if (config_.http.tls) {
    options.tls = http::ServerTls{config_.http.tls->certificate, config_.http.tls->key,
                                  config_.http.tls->client_ca};
  }
  options.telemetry = &telemetry_;
  Result<std::unique_ptr<http::Server>> server = http::Server::start(options, std::move(router));
  if (!server) {
    return Unexpected(server.error());
  }
  server_ = std::move(*server);
  return {};
}

Result<void> Journal::follow() {
  Result<tool::Reached> reached = reach(config_);
  if (!reached) {
    return Unexpected(reached.error());
  }
  daemons::InstanceStatus place;
  place.instance = config_.instance_id;
  place.daemon = kName;
  place.build = build_.version + "+" + build_.commit;
  place.config_hash = config_.hash;
  place.address = to_string(config::Address{config_.http.listen.host, server_->port()});
  Result<std::unique_ptr<Follower>> follower = Follower::start(
      std::move(*reached),
      {config_.instance_id,
       &telemetry_,
       [this](const Error& error) { fail(error); },
       config_.state_directory,
       {config_.query.directory, config_.query.keep_days * core::kDayMs, config_.query.changes},
       place});
  if (!follower) {
    return Unexpected(follower.error());
  }
  const std::lock_guard lock(mutex_);
  follower_ = std::move(*follower);
  return {};
}

// Waits until there is a cluster with kpay's topics, and says for what.
void Journal::reach_until_stopped() {
  while (!stopping_) {
    const Result<void> followed = follow();
    if (followed) {
      systemd_->ready();
      return;
    }
    const ErrorCode code = followed.error().code;
    if (code != ErrorCode::unavailable && code != ErrorCode::not_found) {
      fail(followed.error());
      return;
    }
    bool news = false;
    {
      const std::lock_guard lock(mutex_);
      news = waiting_ != followed.error().message;
      waiting_ = followed.error().message;
    }
    if (news) {
      telemetry_.emit(telemetry::BrokerUnavailable{.error = followed.error().message});
    }
    std::this_thread::sleep_for(kRetry);
  }
}

std::string Journal::status_text() {
  const std::lock_guard lock(mutex_);
  if (follower_ == nullptr) {
    return "waiting: " + waiting_;
  }
  const std::shared_ptr<const Report> report = follower_->report();
  return to_string(report->state) + (report->reason.empty() ? "" : ": " + report->reason);
}

int Journal::wait_for_signal() {
  const timespec wait{0, kSignalWaitNs};
  for (;;) {
    const int signal = sigtimedwait(&signals_, nullptr, &wait);
    if (signal > 0 || failed_) {
      return signal;
    }
    systemd_->watchdog();
    systemd_->status(status_text());
    telemetry_.log().flush_suppressed();
  }
}

int Journal::run() {
  Result<telemetry::Systemd> systemd = telemetry::Systemd::from_environment();
  if (!systemd) {
    return refuse(systemd.error());
  }
  systemd_ = std::move(*systemd);
  if (Result<void> served = serve(); !served) {
    return refuse(served.error());
  }
  telemetry_.metrics()
      .gauge(telemetry::families::build_info, {build_.version, build_.commit})
      .set(1);
  telemetry_.emit(telemetry::DaemonStarted{
      .version = build_.version,
      .commit = build_.commit,
      .config_hash = config_.hash,
      .http_address = to_string(config::Address{config_.http.listen.host, server_->port()})});
  reacher_ = std::thread([this] { reach_until_stopped(); });
  return stop(wait_for_signal());
}

int Journal::stop(int signal) {
  const std::int64_t begin_ms = monotonic_ms();
  stopping_ = true;
  telemetry_.emit(telemetry::DaemonStopping{.reason = signal > 0 ? strsignal(signal) : "failed",
                                            .deadline_ms = config_.stop_deadline.count()});
  systemd_->stopping();
  reacher_.join();
  server_->stop();
  server_.reset();  // no request is in hand any more BEFORE what they use goes
  std::shared_ptr<Follower> follower;
  {
    const std::lock_guard lock(mutex_);
    follower = std::move(follower_);
  }
  follower.reset();
  const std::lock_guard lock(mutex_);
  const int code = failure_ ? refuse(*failure_) : daemons::kExitOk;
  telemetry_.emit(telemetry::DaemonStopped{
      .clean = !failure_, .exit_code = code, .took_ms = monotonic_ms() - begin_ms});
  return code;
}

}  // namespace

int run_journal(const config::JournalConfig& config, const daemons::BuildInfo& build) {
  return Journal(config, build).run();
}

int check_journal(const config::JournalConfig& config) {
  const Result<tool::Reached> reached = reach(config);
  if (!reached) {
    std::fprintf(stderr, "cluster: %s\n", reached.error().message.c_str());
    return daemons::exit_code_of(reached.error().code);
  }
  std::printf("config: ok, hash %s\ncluster: ok, %d partitions\n", config.hash.c_str(),
              static_cast<int>(reached->partitions));
  return daemons::kExitOk;
}

}  // namespace kpay::journal
