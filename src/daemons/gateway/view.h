// View: what the control topics and the tables say, as the JSON that the API and the page show.
//
// Functions of what was read: no clock, no network.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/histogram.h"
#include "core/sum.h"
#include "daemons/ctl/books_table.h"
#include "daemons/ctl/control.h"
#include "daemons/gateway/feed.h"

namespace kpay::gateway {

/// One minute of the stage throughput, merged over its tasks.
struct Window {
  core::Histogram latency_ms;
  std::uint64_t failed = 0;
  std::map<std::string, core::Tally> completed;  ///< by currency
};

/// The public results of one day in one currency.
struct Day {
  core::Tally confirmed;
  core::Tally failed;
};

/// What was asked of the tables at about one moment.
struct Totals {
  std::int64_t at_ms = 0;
  ctl::ShownBooks books;  ///< without the accounts' own balances
  std::string day;        ///< "2026-11-22", UTC
  std::map<std::string, Day> today;
  std::map<std::string, Window> windows;  ///< by minute, "2026-11-22T16:53Z"
  std::vector<std::string> missing;       ///< "settle/3": not asked, nobody serves it or answers
};

/// How many payments did something in a second, from two totals.
struct Rates {
  double accepted_per_s = 0;
  double completed_per_s = 0;
  double failed_per_s = 0;
};

/// What the tasks say, taken together.
struct Overall {
  std::int64_t lag = 0;
  std::uint64_t held = 0;
  std::uint64_t dead_letters = 0;
  std::vector<std::string> missing;  ///< "account/3": no live instance runs it
};

/// False when the row is none of that table.
[[nodiscard]] bool take_window(Totals& totals, const ctl::Row& row);
[[nodiscard]] bool take_day(Totals& totals, const ctl::Row& row);

[[nodiscard]] Rates rates_of(const Totals& before, const Totals& now);

[[nodiscard]] std::vector<ctl::InstanceView> instances_of(const Seen& seen);
[[nodiscard]] std::string instances_json(const Seen& seen, std::int64_t now_ms);
/// Each stage with each of its partitions, also those that nobody runs.
[[nodiscard]] std::string stages_json(const Seen& seen, std::int32_t partitions,
                                      std::int64_t now_ms, Overall& overall);
[[nodiscard]] std::string totals_json(const Totals& totals);
[[nodiscard]] std::string windows_json(const Totals& totals);
/// Of the newest two windows: what a payment takes now.
[[nodiscard]] std::string latency_json(const Totals& totals);
[[nodiscard]] std::string books_json(const ctl::ShownBooks& books);
[[nodiscard]] std::string load_json(const Seen& seen, std::int64_t now_ms);
/// What is wanted of the pipeline, and whether it is so.
[[nodiscard]] std::string control_json(const Seen& seen, std::int32_t partitions,
                                       std::int64_t now_ms);

/// "value" as decimal text and "value_minor" as its digits, beside "count".
[[nodiscard]] std::string tally_json(const std::string& currency, std::uint64_t count,
                                     const core::Sum& value);
/// One digit after the point.
[[nodiscard]] std::string decimal(double number);
[[nodiscard]] std::string texts_json(const std::vector<std::string>& texts);

}  // namespace kpay::gateway
