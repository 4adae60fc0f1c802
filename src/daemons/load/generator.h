// Generator: what is wanted of a served load, the payments that come of it, and what became of
// them. It knows neither Kafka nor a clock.
//
// A run begins when the load is started or gets another mix of payments, and ends when it is
// stopped or its time is over. A change of rate belongs to the run. Counts are of the present run
// or the last one.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "core/outcomes.h"
#include "daemons/load/id_series.h"
#include "daemons/load/latency.h"
#include "daemons/load/pace.h"
#include "daemons/load/payment_mix.h"
#include "daemons/load/report.h"
#include "daemons/tool/load_state.h"

namespace kpay::load {

/// A moment on both clocks.
struct Moment {
  std::int64_t us = 0;  ///< never goes back
  Timestamp wall;
};

/// Threads: one.
class Generator {
 public:
  /// Not allowed: it never makes a payment, whatever is wanted, and says so.
  explicit Generator(bool allowed) : allowed_(allowed) {}

  /// What is wanted from now on; an error is a record that can't be followed, and stops the load.
  void want(const Result<tool::LoadState>& wanted, Moment now);
  /// The next payment, if one is due: to be sent now. Ends the run when its time is over.
  [[nodiscard]] std::optional<core::Transfer> next(Moment now);
  /// When next() has something; Pace::kNever while nothing is generated.
  [[nodiscard]] std::int64_t due_us() const noexcept { return pace_.due_us(); }

  void take(const core::PaymentResult& result, std::int64_t now_us);
  void take(const core::Outcome& outcome);  ///< of rejections: they have no result

  [[nodiscard]] bool generating() const noexcept { return generating_; }
  [[nodiscard]] std::uint64_t sent() const noexcept { return pace_.taken(); }
  [[nodiscard]] std::uint64_t answered() const noexcept { return confirmed_ + failed_ + rejected_; }
  /// What keeps it from doing what is wanted, in words; empty when nothing does.
  [[nodiscard]] const std::string& problem() const noexcept { return problem_; }
  /// One line for people: what it does and who wants it.
  [[nodiscard]] std::string summary() const;
  /// The member "load" of a status record.
  [[nodiscard]] Report report() const;

 private:
  void begin_run(Moment now);
  void stop(Moment now);

  bool allowed_;
  tool::LoadState wanted_;
  std::string problem_;
  bool generating_ = false;
  std::int64_t since_ms_ = 0;
  std::optional<PaymentMix> mix_;
  IdSeries ids_;
  Pace pace_;
  std::uint64_t skipped_ = 0;
  std::uint64_t confirmed_ = 0;
  std::uint64_t failed_ = 0;
  std::map<std::string, std::uint64_t> failed_by_rule_;
  std::uint64_t rejected_ = 0;
  std::int64_t late_us_max_ = 0;
  std::unique_ptr<Latency> latency_ = std::make_unique<Latency>();  ///< at the present rate
};

}  // namespace kpay::load
