// serve: the generator as a service, driven by control.state; docs/control.md has the records.
//
// One thread: it sends what is due, reads results and control.state, and tells its status.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <thread>

#include "base/time.h"
#include "build_info.h"
#include "daemons/load/answers.h"
#include "daemons/load/cli.h"
#include "daemons/load/generator.h"
#include "daemons/load/progress.h"
#include "daemons/tool/command_sender.h"
#include "stages/specs.h"
#include "telemetry/systemd.h"

namespace kpay::load {

namespace {

constexpr std::int64_t kPublishMs = 1000;
constexpr std::int64_t kWaitUsMax = 20'000;
constexpr std::int64_t kNapUs = 1000;  // shorter waits sleep, longer ones wait for records
constexpr int kSendsPerTurn = 500;
constexpr std::uint64_t kUnacknowledgedMax = 100'000;
constexpr std::chrono::milliseconds kRetry{500};
constexpr int kLastFlushMs = 10'000;
constexpr std::size_t kControlReadAheadKilobytes = 1024;

struct Flags {
  std::string instance = "load-1";
  bool allow_load = false;
};

Moment moment_now() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return {std::chrono::duration_cast<std::chrono::microseconds>(since).count(), wall_clock_now()};
}

// What is wanted: the newest record of control.state's key.
class Wanted {
 public:
  static Result<std::unique_ptr<Wanted>> open(const tool::Reached& reached) {
    std::unique_ptr<Wanted> wanted(new Wanted());
    const std::string topic = reached.topic(tool::kControlState);
    Result<stream::LogBounds> bounds = reached.reader->admin().bounds(topic, 0, tool::kAnswerMs);
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    wanted->is_new_ = true;
    Result<void> read = wanted->start(reached, {topic, 0, bounds->begin, bounds->end});
    read = read ? wanted->sweep_->run(wanted->taker()) : read;
    read = read ? wanted->start(reached, {topic, 0, bounds->end}) : read;
    if (!read) {
      return Unexpected(read.error());
    }
    return wanted;
  }

  /// What has come since the last call; nothing when nothing has.
  Result<std::optional<Result<tool::LoadState>>> poll() {
    if (Result<std::size_t> got = sweep_->poll(0, taker()); !got) {
      return Unexpected(got.error());
    }
    if (!std::exchange(is_new_, false)) {
      return std::optional<Result<tool::LoadState>>();
    }
    return std::optional(tool::parse_load_state(value_));
  }

 private:
  Wanted() = default;

  Result<void> start(const tool::Reached& reached, const tool::SweepPart& part) {
    Result<std::unique_ptr<tool::Sweep>> sweep =
        tool::Sweep::start(reached.connection.client, {part}, kControlReadAheadKilobytes);
    if (!sweep) {
      return Unexpected(sweep.error());
    }
    sweep_ = std::move(*sweep);
    return {};
  }
  std::function<void(std::size_t, const stream::LogRecord&)> taker() {
    return [this](std::size_t, const stream::LogRecord& record) {
      if (as_text(record.key) == tool::kLoadKey) {
        value_ = as_text(record.value);
        is_new_ = true;
      }
    };
  }

  std::unique_ptr<tool::Sweep> sweep_;
  std::string value_;  // of the newest record; empty: there is none
  bool is_new_ = false;
};

class Server {
 public:
  Server(const Flags& flags, const tool::Reached& reached, const telemetry::Systemd& systemd)
      : flags_(flags), reached_(reached), systemd_(systemd), generator_(flags.allow_load) {}

  Result<void> open();
  /// Until it is interrupted, or the world has failed.
  Result<void> run();
  /// Waits for what was sent, and says that it has stopped.
  Result<void> close();
  [[nodiscard]] const Generator& generator() const { return generator_; }

 private:
  Result<void> look_at_wanted();
  Result<void> send_due();
  Result<void> read_answers();
  void publish(const char* phase);

  const Flags& flags_;
  const tool::Reached& reached_;
  const telemetry::Systemd& systemd_;
  Generator generator_;
  std::unique_ptr<Wanted> wanted_;
  std::unique_ptr<AnswerReader> answers_;
  std::unique_ptr<tool::CommandSender> sender_;
  std::unique_ptr<kafka::PlainProducer> status_;
  std::string said_;
  std::int64_t published_us_ = 0;
  std::uint64_t published_sent_ = 0;
  std::uint64_t published_answered_ = 0;
};

Result<void> Server::open() {
  Result<std::vector<std::int64_t>> confirmed = reached_.ends(stages::kTopicConfirmed);
  Result<std::vector<std::int64_t>> failed = reached_.ends(stages::kTopicFailed);
  Result<std::vector<std::int64_t>> complete = reached_.ends(stages::kTopicComplete);
  if (!confirmed || !failed || !complete) {
    return Unexpected(!confirmed ? confirmed.error() : !failed ? failed.error() : complete.error());
  }
  AnswerTakers takers{
      [this](const core::PaymentResult& result) { generator_.take(result, moment_now().us); },
      [this](const core::Outcome& outcome) { generator_.take(outcome); }};
  Result<std::unique_ptr<AnswerReader>> answers =
      AnswerReader::open(reached_, {*confirmed, *failed, *complete}, std::move(takers));
  Result<std::unique_ptr<tool::CommandSender>> sender = tool::CommandSender::connect(reached_, 0);
  Result<std::unique_ptr<kafka::PlainProducer>> status =
      kafka::PlainProducer::connect(reached_.connection.client);
  if (!answers || !sender || !status) {
    return Unexpected(!answers ? answers.error() : !sender ? sender.error() : status.error());
  }
  Result<std::unique_ptr<Wanted>> wanted = Wanted::open(reached_);
  if (!wanted) {
    return Unexpected(wanted.error());
  }
  answers_ = std::move(*answers);
  sender_ = std::move(*sender);
  status_ = std::move(*status);
  wanted_ = std::move(*wanted);
  return {};
}

Result<void> Server::look_at_wanted() {
  Result<std::optional<Result<tool::LoadState>>> news = wanted_->poll();
  if (!news) {
    return Unexpected(news.error());
  }
  if (*news) {
    generator_.want(**news, moment_now());
  }
  return {};
}

Result<void> Server::send_due() {
  for (int i = 0; i < kSendsPerTurn; ++i) {
    if (sender_->sent() - sender_->acknowledged() >= kUnacknowledgedMax) {
      break;  // the brokers are slow or away: it falls behind, and says so
    }
    const std::optional<core::Transfer> transfer = generator_.next(moment_now());
    if (!transfer) {
      break;
    }
    if (Result<void> sent = sender_->send(core::SubmitPayment{*transfer}); !sent) {
      return sent;
    }
  }
  sender_->poll();
  return sender_->delivery_error() ? Result<void>(Unexpected(*sender_->delivery_error()))
                                   : Result<void>();
}

Result<void> Server::read_answers() {
  const std::int64_t due = generator_.due_us();
  const std::int64_t now = moment_now().us;
  const std::int64_t wait_us =
      due == Pace::kNever ? kWaitUsMax : std::clamp<std::int64_t>(due - now, 0, kWaitUsMax);
  const bool nap = wait_us < kNapUs;
  const Result<std::size_t> got = answers_->poll(nap ? 0 : static_cast<int>(wait_us / kNapUs));
  if (!got) {
    return Unexpected(got.error());
  }
  if (nap && *got == 0) {
    std::this_thread::sleep_for(std::chrono::microseconds(wait_us));
  }
  return {};
}

void Server::publish(const char* phase) {
  const std::int64_t now_us = moment_now().us;
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(now_us - published_us_, 1)) / 1e6;
  const auto per_s = [seconds](std::uint64_t now, std::uint64_t before) {
    return static_cast<double>(now - std::min(now, before)) / seconds;
  };
  Report load = generator_.report();
  load.add("sent_per_s", per_s(generator_.sent(), published_sent_), 1)
      .add("answered_per_s", per_s(generator_.answered(), published_answered_), 1);
  Report status;
  status.add("instance", flags_.instance)
      .add("daemon", std::string("kpay-load"))
      .add("build", std::string(kVersion) + "+" + std::string(kCommit))
      .add("at_ms", static_cast<std::uint64_t>(wall_clock_now().ms))
      .add("phase", std::string(phase))
      .add("state", generator_.problem())
      .add("load", load);
  const std::string text = status.json();
  (void)status_->send(reached_.topic(tool::kControlStatus), 0,
                      as_bytes(std::string_view(flags_.instance)), as_bytes(text));
  status_->poll();
  published_us_ = now_us;
  published_sent_ = generator_.sent();
  published_answered_ = generator_.answered();
  const std::string summary = generator_.summary();
  if (summary != said_) {
    said_ = summary;
    std::fprintf(stderr, "kpay-load: %s\n", said_.c_str());
    systemd_.status(said_);
  }
  systemd_.watchdog();
}

Result<void> Server::run() {
  systemd_.ready();
  while (!interrupted()) {
    Result<void> done = look_at_wanted();
    done = done ? send_due() : done;
    done = done ? read_answers() : done;
    if (!done) {
      return done;
    }
    if (moment_now().us - published_us_ >= kPublishMs * 1000) {
      publish("running");
    }
  }
  return {};
}

Result<void> Server::close() {
  systemd_.stopping();
  Result<void> flushed = sender_->flush(kLastFlushMs);
  publish("stopped");
  const Result<void> told = status_->flush(kLastFlushMs);
  return flushed ? told : flushed;
}

// Waits until there is a cluster with kpay's topics, as a daemon does, and says for what.
Result<tool::Reached> reach_patiently(const tool::ConnectionFlags& flags,
                                      const telemetry::Systemd& systemd) {
  std::string said;
  while (true) {
    Result<tool::Reached> reached = tool::reach_system(flags);
    const bool waits = !reached && (reached.error().code == ErrorCode::unavailable ||
                                    reached.error().code == ErrorCode::not_found);
    if (!waits || interrupted()) {
      return reached;
    }
    if (said != reached.error().message) {
      said = reached.error().message;
      std::fprintf(stderr, "kpay-load: waiting: %s\n", said.c_str());
      systemd.status("waiting: " + said);
    }
    std::this_thread::sleep_for(kRetry);
  }
}

Result<Ending> serve(const Session& session, const Flags& flags) {
  Result<telemetry::Systemd> systemd = telemetry::Systemd::from_environment();
  if (!systemd) {
    return Unexpected(systemd.error());
  }
  if (const Result<tool::Connection> named = tool::resolve(session.flags); !named) {
    return Unexpected(named.error());  // no waiting makes a wrong file right
  }
  const Result<tool::Reached> reached = reach_patiently(session.flags, *systemd);
  if (!reached) {
    return interrupted() ? Result<Ending>(Ending()) : Unexpected(reached.error());
  }
  Server server(flags, *reached, *systemd);
  Result<void> done = server.open();
  if (!done) {
    return Unexpected(done.error());
  }
  done = server.run();
  const Result<void> closed = server.close();
  if (!done || !closed) {
    return Unexpected(done ? closed.error() : done.error());
  }
  return Ending{server.generator().report(), tool::Exit::ok};
}

}  // namespace

void add_serve(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command =
      app.add_subcommand("serve", "Generate as control.state says (`kpayctl load start`)");
  command->add_option("--instance", flags->instance, "Its name on control.status [load-1]");
  command->add_flag("--allow-load", flags->allow_load,
                    "Without it nothing is ever generated: leave it out in production");
  command->callback(
      [&session, flags] { session.chosen = [&session, flags] { return serve(session, *flags); }; });
}

}  // namespace kpay::load
