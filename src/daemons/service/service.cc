#include "daemons/service/service.h"

#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <mutex>

#include "daemons/service/admin.h"
#include "daemons/service/control.h"
#include "daemons/service/endpoints.h"
#include "daemons/service/exit_codes.h"
#include "daemons/service/finish.h"
#include "daemons/service/notices.h"
#include "daemons/service/signals.h"
#include "daemons/service/snapshots.h"
#include "daemons/service/state_folder.h"
#include "daemons/service/task_metrics.h"
#include "daemons/topics/topic_plan.h"
#include "http/server.h"
#include "kafka/runner.h"
#include "telemetry/systemd.h"

namespace kpay::daemons {

namespace {

constexpr long kSignalWaitNs = 200'000'000;
constexpr std::int64_t kPublishMs = 1000;
// More than the manager may have to wait for the next word of a start that goes on.
constexpr std::chrono::seconds kStartStep{30};
// What a stop does after its deadline: the last status, and the HTTP servers' ends.
constexpr std::chrono::seconds kStopRest{5};

telemetry::LogOptions log_options(const DaemonKind& kind, const config::DaemonConfig& config) {
  telemetry::LogOptions options;
  options.format = static_cast<telemetry::LogFormat>(config.log.format);
  options.level = static_cast<telemetry::Level>(config.log.level);
  options.constant = {{"daemon", kind.name}, {"instance", config.instance_id}};
  return options;
}

class Service {
 public:
  Service(const DaemonKind& kind, const config::DaemonConfig& config, const BuildInfo& build,
          std::optional<std::chrono::seconds> finish)
      : kind_(kind),
        config_(config),
        build_(build),
        finish_(finish),
        telemetry_(log_options(kind, config)),
        task_metrics_(telemetry_.metrics(), kind.specs),
        signals_(block_signals()) {}

  int run();

 private:
  Result<void> open();
  kafka::RunnerOptions runner_options(kafka::ClientOptions client);
  Result<void> serve();
  Result<void> serve_admin();
  Result<void> start(int& signal);
  std::string wait_for_end();
  void feed_watchdog();
  void publish();
  int stop(const std::string& reason);
  InstanceStatus status();
  [[nodiscard]] std::string build_text() const { return build_.version + "+" + build_.commit; }
  Result<DrainReport> drain(std::optional<std::int64_t> deadline_ms);
  Result<void> resume();
  Result<std::size_t> acknowledge_time();
  DrainReport close_drain(const std::vector<kafka::RunnerTask>& before, bool in_time,
                          std::int64_t begin_ms);
  void set_phase(const std::string& phase) {
    const std::lock_guard lock(mutex_);
    phase_ = phase;
  }
  [[nodiscard]] std::string phase() {
    const std::lock_guard lock(mutex_);
    return phase_;
  }
  void set_state(const std::string& text);
  [[noreturn]] void die(const Error& error);
  int refuse(const Error& error);

  DaemonKind kind_;
  config::DaemonConfig config_;
  BuildInfo build_;
  Finish finish_;
  telemetry::Telemetry telemetry_;
  TaskMetrics task_metrics_;
  sigset_t signals_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> ready_ = false;
  std::atomic<bool> paused_ = false;
  std::string address_;
  std::mutex mutex_;
  std::string phase_ = "starting";
  std::string state_;
  DrainBook drained_;
  std::mutex commands_mutex_;              // held by a drain or resume that is under way
  DrainReport last_drain_{.clean = true};  // under commands_mutex_, or at the end
  std::atomic<bool> started_ = false;      // the runner runs
  std::vector<std::uint64_t> turns_;       // at the last feed of the watchdog

  std::unique_ptr<StateFolder> folder_;
  std::unique_ptr<kafka::Runner> runner_;
  std::unique_ptr<Snapshots> snapshots_;
  std::unique_ptr<ControlPlane> control_;
  std::unique_ptr<http::Server> server_;
  std::unique_ptr<http::Server> admin_;
  std::optional<telemetry::Systemd> systemd_;
};

void Service::set_state(const std::string& text) {
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = state_ != text;
    state_ = text;
  }
  if (changed && !text.empty()) {
    telemetry_.emit(telemetry::BrokerUnavailable{.error = text});
  }
  if (changed && systemd_ && !text.empty()) {
    systemd_->status(text);
  }
}

// R11: replay heals whatever was in hand, so the process ends where it stands.
void Service::die(const Error& error) {
  telemetry_.emit(telemetry::DeliveryFailed{.error = error.message});
  const int code = exit_code_of(error.code);
  telemetry_.emit(telemetry::DaemonStopped{.clean = false, .exit_code = code});
  _exit(code);
}

int Service::refuse(const Error& error) {
  if (stopping_) {
    return kExitOk;
  }
  telemetry_.emit(telemetry::ConfigRefused{.problem = error.message});
  return exit_code_of(error.code);
}

kafka::RunnerOptions Service::runner_options(kafka::ClientOptions client) {
  kafka::RunnerOptions options;
  options.specs = kind_.specs;
  options.client = std::move(client);
  options.topic_prefix = config_.kafka.topic_prefix;
  options.partitions = config_.kafka.partitions;
  options.instance = config_.instance_id;
  options.workers = config_.worker.threads;
  options.task.owner = config_.instance_id;
  options.task.build = build_text();
  options.task.checkpoint_interval_ms = config_.checkpoint.interval.count();
  options.task.dirty_rows_max = config_.checkpoint.dirty_rows_max;
  options.task.base_every = static_cast<std::uint32_t>(config_.checkpoint.base_every);
  options.task.unacknowledged_bytes_max = config_.worker.unacknowledged_bytes_max;
  options.task.notes = &folder_->notes();
  options.task.time_jump_ms_max = config_.time_jump_max.count();
  options.release_ms_max = config_.stop_deadline.count();
  options.standbys = config_.state.standbys;
  options.records_per_turn = config_.worker.input_batch_records;
  options.make_store = [this](const stream::StageSpec& spec, std::int32_t partition,
                              const stream::Identity& identity) {
    return folder_->open_store(spec, partition, identity);
  };
  options.notice = [this](const stream::StageSpec& spec, std::int32_t partition,
                          const stream::TaskNotice& notice) {
    emit_notice(telemetry_, spec, partition, notice);
    if (notice.kind == stream::TaskNotice::Kind::released) {
      drained_.released(
          {spec.name, partition, notice.position, notice.marker, notice.state_hash, true});
    } else if (notice.kind == stream::TaskNotice::Kind::restored) {
      drained_.restored(spec.name, partition);
    }
  };
  options.topic_fault = [this](const std::string& topic, const kafka::TopicInfo& info,
                               const std::map<std::string, std::string>& settings) {
    return topics::contract_fault(kind_.specs, {topic, info.partitions, info.replication, settings},
                                  config_.kafka.topic_prefix);
  };
  options.on_state = [this](const std::string& text) { set_state(text); };
  options.on_fatal = [this](const Error& error) { die(error); };
  return options;
}

Result<void> Service::open() {
  Result<telemetry::Systemd> systemd = telemetry::Systemd::from_environment();
  if (!systemd) {
    return Unexpected(systemd.error());
  }
  systemd_ = std::move(*systemd);
  Result<std::unique_ptr<StateFolder>> folder = StateFolder::open(
      config_.state.directory, config_.state.synchronous == config::Synchronous::full);
  if (!folder) {
    return Unexpected(folder.error());
  }
  folder_ = std::move(*folder);
  Result<kafka::ClientOptions> client =
      client_options(config_.kafka, kind_.name + "-" + config_.instance_id);
  if (!client) {
    return Unexpected(client.error());
  }
  runner_ = std::make_unique<kafka::Runner>(runner_options(*client));
  snapshots_ = std::make_unique<Snapshots>(config_, build_text(), *runner_, telemetry_);
  return serve();
}

Result<void> Service::serve() {
  http::ServerOptions options;
  options.host = config_.http.listen.host;
  options.port = static_cast<std::uint16_t>(config_.http.listen.port);
  options.telemetry = &telemetry_;
  if (config_.http.tls) {
    options.tls = http::ServerTls{config_.http.tls->certificate, config_.http.tls->key,
                                  config_.http.tls->client_ca};
  }
  http::Router router;
  EndpointParts parts;
  parts.runner = runner_.get();
  parts.telemetry = &telemetry_;
  parts.ready = [this] {
    const std::lock_guard lock(mutex_);
    return http::Verdict{ready_, ready_ || !state_.empty() ? state_ : phase_};
  };
  parts.status = [this] { return status(); };
  add_endpoints(router, parts);
  Result<std::unique_ptr<http::Server>> server = http::Server::start(options, std::move(router));
  if (!server) {
    return Unexpected(server.error());
  }
  server_ = std::move(*server);
  const std::string& host = config_.http.listen.host;
  const bool v6 = host.find(':') != std::string::npos;
  address_ = (v6 ? "[" + host + "]:" : host + ":") + std::to_string(server_->port());
  return serve_admin();
}

Result<void> Service::serve_admin() {
  http::ServerOptions options;
  options.unix_socket = admin_socket_path(config_);
  options.telemetry = &telemetry_;
  if (options.unix_socket.empty()) {
    return {};
  }
  http::Router router;
  AdminParts parts;
  parts.telemetry = &telemetry_;
  parts.status = [this] { return status(); };
  parts.drain = [this](std::optional<std::int64_t> deadline_ms) { return drain(deadline_ms); };
  parts.resume = [this] { return resume(); };
  parts.snapshot = [this](const std::string& folder) { return snapshots_->take(folder); };
  parts.re_emit = [this](const auto& stage, std::int32_t partition, std::int64_t from) {
    return snapshots_->re_emit(stage, partition, from);
  };
  parts.acknowledge_time = [this] { return acknowledge_time(); };
  add_admin_commands(router, parts);
  Result<std::unique_ptr<http::Server>> server = http::Server::start(options, std::move(router));
  if (!server) {
    return Unexpected(server.error().code, "admin.socket " + server.error().message);
  }
  admin_ = std::move(*server);
  return {};
}

InstanceStatus Service::status() {
  InstanceStatus status;
  status.instance = config_.instance_id;
  status.daemon = kind_.name;
  status.build = build_text();
  status.config_hash = config_.hash;
  status.address = address_;
  status.at = wall_clock_now();
  status.paused = paused_;
  status.tasks = runner_->tasks();
  status.standbys = runner_->standbys();
  status.drained = drained_.all();
  status.snapshots = snapshots_->kept();
  const std::lock_guard lock(mutex_);
  status.phase = phase_;
  status.state = state_;
  return status;
}

// ---- drain and resume, by the admin socket's threads

Result<DrainReport> Service::drain(std::optional<std::int64_t> deadline_ms) {
  const std::unique_lock commands(commands_mutex_, std::try_to_lock);
  if (!commands || !started_ || stopping_) {
    return Unexpected(ErrorCode::conflict, !commands  ? "another drain is under way"
                                           : started_ ? "the process stops"
                                                      : "not started yet: " + status().state);
  }
  if (phase() == "drained") {
    return last_drain_;
  }
  const std::int64_t begin_ms = monotonic_ms();
  set_phase("draining");
  ready_ = false;
  const std::vector<kafka::RunnerTask> before = runner_->tasks();
  const bool in_time = runner_->drain(deadline_ms.value_or(config_.stop_deadline.count()));
  last_drain_ = close_drain(before, in_time, begin_ms);
  if (!stopping_) {
    set_phase("drained");
  }
  return last_drain_;
}

Result<void> Service::resume() {
  const std::unique_lock commands(commands_mutex_, std::try_to_lock);
  if (!commands || stopping_) {
    return Unexpected(ErrorCode::conflict,
                      stopping_ ? "the process stops" : "a drain is under way");
  }
  if (phase() == "drained") {
    last_drain_ = {.clean = true};
    set_phase("starting");
    runner_->resume();
  }
  return {};
}

Result<std::size_t> Service::acknowledge_time() {
  const std::vector<kafka::RunnerTask> tasks = runner_->tasks();
  const auto waiting = std::count_if(tasks.begin(), tasks.end(),
                                     [](const auto& task) { return task.status.time_waiting; });
  if (waiting == 0) {
    return Unexpected(ErrorCode::conflict, "no task here waits for an acknowledgement of time");
  }
  runner_->acknowledge_time();
  return static_cast<std::size_t>(waiting);
}

DrainReport Service::close_drain(const std::vector<kafka::RunnerTask>& before, bool in_time,
                                 std::int64_t begin_ms) {
  DrainReport report{in_time, monotonic_ms() - begin_ms, drained_.close(before)};
  for (const DrainRecord& record : report.records) {
    if (!record.clean) {  // a clean one had its line when it was released
      report.clean = false;
      telemetry_.emit(telemetry::TaskRevoked{.stage = record.stage,
                                             .partition = record.partition,
                                             .position = record.position,
                                             .checkpoint = record.marker,
                                             .state_hash = to_string(record.state_hash),
                                             .clean = false,
                                             .reason = record.reason});
    }
  }
  return report;
}

// ---- the main thread

void Service::publish() {
  const InstanceStatus now = status();
  task_metrics_.update(now.tasks, now.at);
  control_->publish(now);
  if (!ready_ && now.phase == "starting" && runner_->ready()) {
    ready_ = true;
    set_state("");
    set_phase("running");
    systemd_->ready();
  }
  systemd_->status(status_line(now));
  if (!ready_) {
    systemd_->extend_timeout(kStartStep);  // restoring takes as long as it takes
  }
}

// Fed when every worker has turned since the last time, with records or without.
void Service::feed_watchdog() {
  std::vector<std::uint64_t> turns = runner_->turns();
  bool all = turns.size() == turns_.size();
  for (std::size_t i = 0; all && i < turns.size(); ++i) {
    all = turns[i] != turns_[i];
  }
  if (all || turns.size() != turns_.size()) {
    turns_ = std::move(turns);
    systemd_->watchdog();
  }
}

// Returns why.
std::string Service::wait_for_end() {
  std::int64_t published = 0;
  const timespec wait{0, kSignalWaitNs};
  for (;;) {
    const int signal = sigtimedwait(&signals_, nullptr, &wait);
    if (signal > 0) {
      return strsignal(signal);
    }
    feed_watchdog();
    if (monotonic_ms() - published >= kPublishMs) {
      published = monotonic_ms();
      publish();
      telemetry_.log().flush_suppressed();
      if (std::string why = finish_.over(*runner_); !why.empty()) {
        return why;
      }
    }
  }
}

// Waiting for the cluster may take as long as it takes; a signal ends it.
Result<void> Service::start(int& signal) {
  std::atomic<bool> begun = false;
  Result<void> started;
  std::thread starter([&] {
    ControlPlane::Parts parts;
    parts.client = client_options(config_.kafka, kind_.name + "-" + config_.instance_id).value();
    parts.topic_prefix = config_.kafka.topic_prefix;
    parts.instance = config_.instance_id;
    parts.on_pipeline = [this](bool paused) {
      paused_ = paused;
      runner_->set_paused("intake", paused);
    };
    parts.on_override = [this](const auto& answer) { runner_->want_override(answer); };
    Result<std::unique_ptr<ControlPlane>> control = ControlPlane::open(
        std::move(parts), stopping_, [this](const std::string& text) { set_state(text); });
    if (control) {
      control_ = std::move(*control);
      started = runner_->start();
    } else {
      started = Unexpected(control.error());
    }
    begun = true;
  });
  const timespec wait{0, kSignalWaitNs / 4};
  while (!begun && signal <= 0) {
    signal = sigtimedwait(&signals_, nullptr, &wait);
    systemd_->watchdog();
    systemd_->extend_timeout(kStartStep);
  }
  if (signal > 0) {
    stopping_ = true;
    runner_->cancel_start();
  }
  starter.join();
  return started;
}

int Service::run() {
  if (Result<void> opened = open(); !opened) {
    return refuse(opened.error());
  }
  auto& info = telemetry::families::build_info;
  telemetry_.metrics().gauge(info, {build_.version, build_.commit}).set(1);
  telemetry_.emit(telemetry::DaemonStarted{.version = build_.version,
                                           .commit = build_.commit,
                                           .config_hash = config_.hash,
                                           .http_address = address_});
  int signal = 0;
  if (Result<void> started = start(signal); !started) {
    return refuse(started.error());
  }
  started_ = true;
  snapshots_->start();
  return stop(signal > 0 ? strsignal(signal) : wait_for_end());
}

int Service::stop(const std::string& reason) {
  const std::int64_t begin_ms = monotonic_ms();
  stopping_ = true;
  telemetry_.emit(
      telemetry::DaemonStopping{.reason = reason, .deadline_ms = config_.stop_deadline.count()});
  systemd_->stopping();
  systemd_->extend_timeout(config_.stop_deadline + kStopRest);
  set_phase("draining");
  const std::vector<kafka::RunnerTask> before = runner_->tasks();
  const bool in_time = runner_->stop(config_.stop_deadline.count());
  const DrainReport report = close_drain(before, in_time, begin_ms);
  set_phase("stopped");
  control_->retire(status());
  control_.reset();
  server_->stop();
  if (admin_) {
    admin_->stop();  // a drain that was under way has ended with the runner
  }
  const std::lock_guard commands(commands_mutex_);
  const bool clean = report.clean && last_drain_.clean;
  const int code = finish_.failed() ? kExitNoSwitch : clean ? kExitOk : kExitUnclean;
  telemetry_.emit(telemetry::DaemonStopped{
      .clean = clean, .exit_code = code, .took_ms = monotonic_ms() - begin_ms});
  return code;
}

}  // namespace

int run_service(const DaemonKind& kind, const config::DaemonConfig& config, const BuildInfo& build,
                std::optional<std::chrono::seconds> finish) {
  return Service(kind, config, build, finish).run();
}

}  // namespace kpay::daemons
