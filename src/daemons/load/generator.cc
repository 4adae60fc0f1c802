#include "daemons/load/generator.h"

#include <algorithm>
#include <array>
#include <cstdio>

namespace kpay::load {

namespace {

// After a standstill it goes on from now, instead of sending all that was missed at once.
constexpr std::int64_t kBehindUsMax = 5'000'000;
constexpr std::uint32_t kRunMax = 4'000'000'000;  // ids of a series have 32 bits of number

std::string number_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

}  // namespace

void Generator::want(const Result<tool::LoadState>& wanted, Moment now) {
  const tool::LoadState before = std::exchange(wanted_, wanted ? *wanted : tool::LoadState{});
  problem_ = wanted ? "" : "the load's record on control.state: " + wanted.error().message;
  if (!wanted_.running) {
    stop(now);
  } else if (!allowed_) {
    problem_ = "locked: load is not allowed here (kpay-load serve --allow-load)";
  } else if (!generating_ || before.mix != wanted_.mix) {
    begin_run(now);
  } else if (before.rate != wanted_.rate) {
    pace_.set_rate(wanted_.rate, now.us);
    latency_ = std::make_unique<Latency>();
    late_us_max_ = 0;
  }
}

void Generator::begin_run(Moment now) {
  Result<PaymentMix> mix = PaymentMix::make(wanted_.mix);
  if (!mix) {
    problem_ = "the load's record on control.state: " + mix.error().message;
    return stop(now);
  }
  mix_ = std::move(*mix);
  generating_ = true;
  since_ms_ = now.wall.ms;
  ids_ = IdSeries();
  pace_ = Pace();
  pace_.set_rate(wanted_.rate, now.us);
  skipped_ = confirmed_ = failed_ = rejected_ = 0;
  failed_by_rule_.clear();
  late_us_max_ = 0;
  latency_ = std::make_unique<Latency>();
}

void Generator::stop(Moment now) {
  generating_ = false;
  pace_.set_rate(0, now.us);
}

std::optional<core::Transfer> Generator::next(Moment now) {
  if (generating_ && wanted_.until_ms > 0 && now.wall.ms >= wanted_.until_ms) {
    stop(now);
  }
  if (!generating_) {
    return std::nullopt;
  }
  skipped_ += pace_.skip(now.us, kBehindUsMax);
  if (now.us < pace_.due_us()) {
    return std::nullopt;
  }
  if (pace_.taken() >= kRunMax) {
    begin_run(now);
  }
  late_us_max_ = std::max(late_us_max_, now.us - pace_.due_us());
  core::Transfer transfer = mix_->next(mix_->next_kind());
  transfer.payment = core::PaymentId(ids_.make(pace_.take(), now.wall));
  return transfer;
}

void Generator::take(const core::PaymentResult& result, std::int64_t now_us) {
  const std::optional<std::uint32_t> number = ids_.number_of(result.payment.value());
  if (!number || *number >= pace_.taken()) {
    return;
  }
  if (const std::optional<std::int64_t> intended = pace_.intended_us(*number)) {
    latency_->record(now_us - *intended);
  }
  if (result.confirmed) {
    ++confirmed_;
  } else {
    ++failed_;
    ++failed_by_rule_[std::string(core::to_string(result.refusal))];
  }
}

void Generator::take(const core::Outcome& outcome) {
  const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
  if (payment != nullptr && payment->status == core::PaymentStatus::rejected &&
      ids_.number_of(payment->payment.value())) {
    ++rejected_;
  }
}

std::string Generator::summary() const {
  const std::string who =
      wanted_.reason.empty() ? "" : " (" + wanted_.reason + "; " + wanted_.owner + ")";
  if (!problem_.empty()) {
    return problem_;
  }
  if (generating_) {
    return number_text(wanted_.rate) + " payments/s among " + std::to_string(wanted_.mix.accounts) +
           " accounts, " +
           (wanted_.until_ms > 0 ? "until " + to_rfc3339(Timestamp{wanted_.until_ms})
                                 : "until it is stopped") +
           who;
  }
  return wanted_.running ? "its time is over" + who : "stopped" + who;
}

Report Generator::report() const {
  Report report;
  report.add_flag("allowed", allowed_)
      .add_flag("generating", generating_)
      .add("desired", std::string(wanted_.running ? "running" : "stopped"))
      .add("rate", generating_ ? wanted_.rate : 0.0, 6)
      .add("until_ms", static_cast<std::uint64_t>(wanted_.until_ms))
      .add("run_since_ms", static_cast<std::uint64_t>(since_ms_))
      .add("sent", sent())
      .add("skipped", skipped_)
      .add("confirmed", confirmed_)
      .add("failed_count", failed_)
      .add("failed", failed_by_rule_)
      .add("rejected", rejected_)
      .add("unanswered", sent() - std::min(sent(), answered()))
      .add("sender_late_ms_max", static_cast<double>(late_us_max_) / 1000, 3)
      .add("latency_ms", latency_->report())
      .add("problem", problem_);
  return report;
}

}  // namespace kpay::load
