// run: sends payments at a rate, in open loop, and measures until their public results are read.
//
// Two threads meet in the atomics of Shared: one sends by the schedule, the other reads results.
// Latency is counted from the intended time, so that a late sender hides nothing.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <thread>

#include "base/time.h"
#include "daemons/load/answers.h"
#include "daemons/load/cli.h"
#include "daemons/load/id_series.h"
#include "daemons/load/latency.h"
#include "daemons/load/payment_mix.h"
#include "daemons/load/progress.h"
#include "daemons/tool/command_sender.h"
#include "daemons/tool/duration.h"
#include "stages/specs.h"

namespace kpay::load {

namespace {

constexpr int kWaitMs = 20;
constexpr std::int64_t kNapMaxUs = 500;
constexpr std::int64_t kStartInUs = 200'000;  // until then both threads are up
constexpr std::int64_t kQuietMs = 3000;       // each time, rejections are looked for
constexpr double kCountMax = 500e6;

struct Flags {
  tool::MixFlags mix;
  double rate = 1000;
  std::string duration = "60s";
  std::string warm_up = "0s";
  std::string histogram;
  int timeout_s = 60;
};

std::int64_t now_us() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

// When which payment is to be sent; known without asking anybody.
struct Schedule {
  double rate = 0;
  std::int64_t start_us = 0;
  std::uint32_t count = 0;
  std::uint32_t first_counted = 0;  // those before belong to the warm-up

  [[nodiscard]] std::int64_t intended_us(std::uint32_t number) const {
    return start_us + std::llround(static_cast<double>(number) * 1e6 / rate);
  }
};

struct Shared {
  std::atomic<std::uint32_t> sent = 0;
  std::atomic<std::int64_t> late_us_max = 0;
  std::atomic<bool> is_sent = false;  // all, and acknowledged; or it failed
  std::atomic<bool> stopping = false;
  std::optional<Error> error;  // read after the thread was joined
};

Result<void> send_all(const Schedule& schedule, const IdSeries& ids, PaymentMix& mix,
                      tool::CommandSender& sender, Shared& shared) {
  for (std::uint32_t i = 0; i < schedule.count && !shared.stopping; ++i) {
    core::Transfer transfer = mix.next(mix.next_kind());
    const std::int64_t intended = schedule.intended_us(i);
    for (std::int64_t now = now_us(); now < intended; now = now_us()) {
      sender.poll();
      std::this_thread::sleep_for(std::chrono::microseconds(std::min(kNapMaxUs, intended - now)));
    }
    transfer.payment = core::PaymentId(ids.make(i, wall_clock_now()));
    if (Result<void> sent = sender.send(core::SubmitPayment{transfer}); !sent) {
      return sent;
    }
    shared.late_us_max = std::max(shared.late_us_max.load(), now_us() - intended);
    shared.sent = i + 1;
  }
  return sender.flush();
}

// What became of the payments: one thread's.
struct Tally {
  Schedule schedule;
  std::vector<bool> answered;
  std::uint64_t finished = 0;
  std::uint64_t confirmed = 0;
  std::uint64_t rejected = 0;
  std::map<std::string, std::uint64_t> failed;
  std::int64_t last_us = 0;
  Latency latency;

  bool is_new(const std::optional<std::uint32_t>& number) {
    if (!number || *number >= answered.size() || answered[*number]) {
      return false;
    }
    answered[*number] = true;
    ++finished;
    return true;
  }
  void take(const IdSeries& ids, const core::PaymentResult& result) {
    const std::optional<std::uint32_t> number = ids.number_of(result.payment.value());
    if (!is_new(number)) {
      return;
    }
    last_us = now_us();
    if (*number >= schedule.first_counted) {
      latency.record(last_us - schedule.intended_us(*number));
    }
    if (result.confirmed) {
      ++confirmed;
    } else {
      ++failed[std::string(core::to_string(result.refusal))];
    }
  }
};

// Commands that were rejected have no result; their outcomes tell, from `next` to the end of now,
// which becomes `next`. Only asked for when some are missing, so that it takes nothing from the
// measurement.
Result<void> find_rejections(const tool::Reached& reached, const IdSeries& ids,
                             std::vector<std::int64_t>& next, Tally& tally) {
  AnswerTakers takers;
  takers.outcome = [&](const core::Outcome& outcome) {
    const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
    if (payment != nullptr && payment->status == core::PaymentStatus::rejected &&
        tally.is_new(ids.number_of(payment->payment.value()))) {
      ++tally.rejected;
    }
  };
  const Result<std::vector<std::int64_t>> ends = reached.ends(stages::kTopicComplete);
  if (!ends) {
    return Unexpected(ends.error());
  }
  Result<std::unique_ptr<AnswerReader>> answers =
      AnswerReader::open(reached, {{}, {}, next, *ends}, std::move(takers));
  if (!answers) {
    return Unexpected(answers.error());
  }
  Result<void> read = (*answers)->run();
  if (read) {
    next = *ends;
  }
  return read;
}

// Reads until all have a result. Gives false when the time was over before.
Result<bool> read_all(const Flags& flags, const tool::Reached& reached, const IdSeries& ids,
                      std::vector<std::int64_t> complete, AnswerReader& answers, Tally& tally,
                      Shared& shared) {
  Progress progress("run");
  std::int64_t sent_ms = 0;
  std::int64_t last_ms = monotonic_ms();
  while (true) {
    const Result<std::size_t> got = answers.poll(kWaitMs);
    if (!got) {
      return Unexpected(got.error());
    }
    const std::int64_t now = monotonic_ms();
    last_ms = *got > 0 ? now : last_ms;
    progress.tick(shared.sent, tally.finished, tally.schedule.count);
    shared.stopping = shared.stopping || interrupted();
    if (!shared.is_sent) {
      continue;
    }
    sent_ms = sent_ms == 0 ? now : sent_ms;
    if (tally.finished >= shared.sent || interrupted()) {
      return true;
    }
    if (now - std::max(last_ms, sent_ms) > kQuietMs) {
      const Result<void> found = find_rejections(reached, ids, complete, tally);
      if (!found && found.error().code != ErrorCode::unavailable) {
        return Unexpected(found.error());
      }
      // What was stuck may go on, and a leader that moves is soon there: it is asked for again.
      last_ms = monotonic_ms();
    }
    if (now - sent_ms > flags.timeout_s * std::int64_t{1000}) {
      return false;
    }
  }
}

Result<Schedule> schedule_of(const Flags& flags) {
  const Result<std::int64_t> duration = tool::duration_ms(flags.duration);
  const Result<std::int64_t> warm_up = tool::duration_ms(flags.warm_up);
  if (!duration || !warm_up) {
    return Unexpected(duration ? warm_up.error() : duration.error());
  }
  const double before = std::floor(flags.rate * static_cast<double>(*warm_up) / 1000);
  const double count = before + std::floor(flags.rate * static_cast<double>(*duration) / 1000);
  if (count < 1 || count > kCountMax) {
    return Unexpected(ErrorCode::invalid,
                      "--rate times --duration has to be from 1 to 500 million payments");
  }
  return Schedule{flags.rate, 0, static_cast<std::uint32_t>(count),
                  static_cast<std::uint32_t>(before)};
}

Ending told(const Tally& tally, const Shared& shared, bool in_time) {
  std::uint64_t failed = 0;
  for (const auto& [rule, count] : tally.failed) {
    failed += count;
  }
  const std::uint64_t sent = shared.sent;
  const double seconds =
      static_cast<double>(std::max<std::int64_t>(tally.last_us - tally.schedule.start_us, 1)) / 1e6;
  Ending ending;
  ending.report.add("sent", sent)
      .add("confirmed", tally.confirmed)
      .add("failed_count", failed)
      .add("failed", tally.failed)
      .add("rejected", tally.rejected)
      .add("unanswered", sent - std::min(sent, tally.finished))
      .add("seconds", seconds, 3)
      .add("payments_per_s", static_cast<double>(tally.confirmed + failed) / seconds, 1)
      .add("sender_late_ms_max", static_cast<double>(shared.late_us_max.load()) / 1000, 3)
      .add("latency_ms", tally.latency.report());
  ending.exit = interrupted() ? tool::Exit::interrupted
                : in_time     ? tool::Exit::ok
                              : tool::Exit::timed_out;
  return ending;
}

struct Offsets {
  AnswerOffsets results;
  std::vector<std::int64_t> complete;
};

Result<Offsets> offsets_now(const tool::Reached& reached) {
  Result<std::vector<std::int64_t>> confirmed = reached.ends(stages::kTopicConfirmed);
  Result<std::vector<std::int64_t>> failed = reached.ends(stages::kTopicFailed);
  Result<std::vector<std::int64_t>> complete = reached.ends(stages::kTopicComplete);
  if (!confirmed || !failed || !complete) {
    return Unexpected(!confirmed ? confirmed.error() : !failed ? failed.error() : complete.error());
  }
  return Offsets{{*confirmed, *failed, {}}, *complete};
}

Result<Ending> measure(const Flags& flags, const tool::Reached& reached, const Schedule& schedule,
                       PaymentMix& mix) {
  const Result<Offsets> from = offsets_now(reached);
  if (!from) {
    return Unexpected(from.error());
  }
  const IdSeries ids;
  Tally tally;
  tally.schedule = schedule;
  tally.answered.resize(schedule.count);
  AnswerTakers takers;
  takers.result = [&](const core::PaymentResult& result) { tally.take(ids, result); };
  Result<std::unique_ptr<AnswerReader>> answers =
      AnswerReader::open(reached, from->results, std::move(takers));
  Result<std::unique_ptr<tool::CommandSender>> sender = tool::CommandSender::connect(reached, 0);
  if (!answers || !sender) {
    return Unexpected(answers ? sender.error() : answers.error());
  }
  tally.schedule.start_us = now_us() + kStartInUs;
  Shared shared;
  std::thread source([&, plan = tally.schedule] {
    if (Result<void> sent = send_all(plan, ids, mix, **sender, shared); !sent) {
      shared.error = sent.error();
    }
    shared.is_sent = true;
  });
  const Result<bool> in_time =
      read_all(flags, reached, ids, from->complete, **answers, tally, shared);
  shared.stopping = true;
  source.join();
  if (!in_time || shared.error) {
    return Unexpected(shared.error ? *shared.error : in_time.error());
  }
  if (!flags.histogram.empty()) {
    if (Result<void> written = tally.latency.write(flags.histogram); !written) {
      return Unexpected(written.error());
    }
  }
  return told(tally, shared, *in_time);
}

Result<Ending> run(const Session& session, const Flags& flags) {
  Result<PaymentMix> mix = PaymentMix::make(flags.mix);
  const Result<Schedule> schedule = schedule_of(flags);
  if (!mix || !schedule) {
    return Unexpected(mix ? schedule.error() : mix.error());
  }
  const Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  return measure(flags, *reached, *schedule, *mix);
}

}  // namespace

void add_run(CLI::App& app, Session& session) {
  auto flags = std::make_shared<Flags>();
  CLI::App* command = app.add_subcommand("run", "Send payments at a rate and measure latency");
  command->add_option("--rate", flags->rate, "Payments a second")
      ->required()
      ->check(CLI::Range(0.001, 10e6));
  command->add_option("--duration", flags->duration, "How long, after the warm-up [60s]");
  command->add_option("--warm-up", flags->warm_up, "Sent before, and not measured [0s]");
  tool::add_mix_options(*command, flags->mix);
  tool::add_bad_share_option(*command, flags->mix);
  command->add_option("--timeout", flags->timeout_s, "Seconds to wait after the last send [60]")
      ->check(CLI::Range(1, 86'400));
  command->add_option("--histogram", flags->histogram, "A file for all percentiles");
  command->callback(
      [&session, flags] { session.chosen = [&session, flags] { return run(session, *flags); }; });
}

}  // namespace kpay::load
