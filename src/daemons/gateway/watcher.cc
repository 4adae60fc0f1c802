#include "daemons/gateway/watcher.h"

#include <algorithm>

#include "base/time.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

constexpr std::int64_t kMinuteMs = 60'000;
constexpr int kBooksRounds = 2;
constexpr std::size_t kDayBytes = 10;     // of "2026-11-22T16:53:55.000Z"
constexpr std::size_t kMinuteBytes = 16;  // of the same

std::string minute_text(std::int64_t ms) {
  return to_rfc3339(Timestamp{ms}).substr(0, kMinuteBytes) + "Z";
}

void name_once(std::vector<std::string>& missing, const std::string& name) {
  if (std::find(missing.begin(), missing.end(), name) == missing.end()) {
    missing.push_back(name);
  }
}

void note_missing(Totals& totals, const std::string& stage, std::int32_t partition) {
  name_once(totals.missing, stage + "/" + std::to_string(partition));
}

// Every row of a stage's table from a key on. An instance that doesn't answer is missing.
void ask_table(const ctl::HttpTables& tables, Totals& totals, const std::string& stage,
               const std::string& table, const std::string& from,
               const std::function<void(const ctl::Row&)>& taker) {
  for (const std::int32_t partition : tables.unserved(stage)) {
    note_missing(totals, stage, partition);
  }
  for (const ctl::Instance& instance : tables.serving(stage)) {
    if (!tables.each(instance, stage, table, taker, from)) {
      for (const std::int32_t partition : instance.stages.at(stage)) {
        note_missing(totals, stage, partition);
      }
    }
  }
}

}  // namespace

std::string books_state(const ctl::ShownBooks& books) {
  if (!books.missing.empty()) {
    return "partial";
  }
  if (!books.settled) {
    return "moving";
  }
  return books.conserved() ? "balanced" : "unbalanced";
}

Watcher::Watcher(WatcherParts parts) : parts_(std::move(parts)) {
  threads_.emplace_back([this] { ask_loop(); });
  threads_.emplace_back([this] { books_loop(); });
  threads_.emplace_back([this] { publish_loop(); });
}

Watcher::~Watcher() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  stop_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

// False when it is time to stop.
bool Watcher::nap(std::int64_t ms) {
  std::unique_lock lock(mutex_);
  return !stop_.wait_for(lock, std::chrono::milliseconds(ms), [this] { return stopping_; });
}

ctl::HttpTables Watcher::tables() const {
  return ctl::HttpTables::of(parts_.http, parts_.feed->metadata(), parts_.partitions);
}

Totals Watcher::ask() const {
  Totals totals;
  const std::int64_t now_ms = wall_clock_now().ms;
  totals.day = to_rfc3339(Timestamp{now_ms}).substr(0, kDayBytes);
  const ctl::HttpTables tables = this->tables();
  // Settle BEFORE intake: what is closed was opened, so that less than nothing is never in flight.
  for (const std::string stage : {"settle", "intake"}) {
    ask_table(tables, totals, stage, "totals", "", [&](const ctl::Row& row) {
      (void)ctl::take_row(totals.books, stage + ".totals", row);
    });
  }
  ask_table(tables, totals, "account", "totals", "",
            [&](const ctl::Row& row) { (void)ctl::take_row(totals.books, "account.totals", row); });
  ask_table(tables, totals, "confirmed", "days", totals.day + "/AAA",
            [&](const ctl::Row& row) { (void)take_day(totals, row); });
  const std::string since = minute_text(now_ms - limits::windows_shown * kMinuteMs);
  ask_table(tables, totals, "throughput", "windows", since,
            [&](const ctl::Row& row) { (void)take_window(totals, row); });
  totals.at_ms = wall_clock_now().ms;
  return totals;
}

void Watcher::ask_loop() {
  do {
    Totals totals = ask();
    const std::lock_guard lock(mutex_);
    rates_ = rates_of(totals_, totals);
    totals_ = std::move(totals);
  } while (nap(limits::snapshot_ms));
}

void Watcher::books_loop() {
  std::int64_t pause_ms = 0;
  do {
    const std::int64_t begin_ms = monotonic_ms();
    const Result<ctl::ShownBooks> shown = ctl::show_books(tables(), kBooksRounds);
    pause_ms = std::max(limits::books_ms_min, (monotonic_ms() - begin_ms) * limits::books_share);
    const std::string state = shown ? books_state(*shown) : "unknown";
    const std::lock_guard lock(mutex_);
    books_state_ = state;
    books_at_ms_ = wall_clock_now().ms;
    if (state == "balanced") {
      balanced_at_ms_ = books_at_ms_;
    }
    http::JsonObject json;
    json.add("state", state)
        .add("reason", shown ? std::string() : shown.error().message)
        .add("as_of_ms", books_at_ms_)
        .add("balanced_at_ms", balanced_at_ms_)
        .add_json("missing_partitions",
                  texts_json(shown ? shown->missing : std::vector<std::string>()))
        .add_json("currencies", shown ? books_json(*shown) : "{}");
    books_ = json.finish();
  } while (nap(pause_ms));
}

void Watcher::publish_loop() {
  do {
    publish();
  } while (nap(limits::snapshot_ms));
}

void Watcher::publish() {
  const Seen seen = parts_.feed->seen();
  const std::int64_t now_ms = wall_clock_now().ms;
  Overall overall;
  const std::string stages = stages_json(seen, parts_.partitions, now_ms, overall);
  const std::string control = control_json(seen, parts_.partitions, now_ms);
  const std::string instances = instances_json(seen, now_ms);
  const std::string load = load_json(seen, now_ms);
  const AuditStatement audit = parts_.audits->newest();
  const std::lock_guard lock(mutex_);
  for (const std::string& each : totals_.missing) {  // asked in vain, before it is silent for long
    name_once(overall.missing, each);
  }
  const std::string light = light_of(books_state_, audit, now_ms);
  if (light == "balanced" && audit.state == "conserved") {
    balanced_at_ms_ = std::max(balanced_at_ms_, audit.as_of_ms);
  }
  const std::string latency = latency_json(totals_);
  const std::string rates = http::JsonObject()
                                .add("at_ms", totals_.at_ms)
                                .add_json("accepted_per_s", decimal(rates_.accepted_per_s))
                                .add_json("completed_per_s", decimal(rates_.completed_per_s))
                                .add_json("failed_per_s", decimal(rates_.failed_per_s))
                                .add_json("latency_ms", latency)
                                .finish();
  series_.push_back(rates);
  if (series_.size() > limits::series_points) {
    series_.pop_front();
  }
  snapshot_ = http::JsonObject()
                  .add("as_of_ms", now_ms)
                  .add_json("control", control)
                  .add("lag", overall.lag)
                  .add("held_tasks", overall.held)
                  .add("dead_letters", overall.dead_letters)
                  .add_json("missing_partitions", texts_json(overall.missing))
                  .add_json("rates", rates)
                  .add_json("totals", totals_json(totals_))
                  .add_json("windows", windows_json(totals_))
                  .add_json("stages", stages)
                  .add_json("instances", instances)
                  .add_json("load", load)
                  .add_json("books", http::JsonObject()
                                         .add("state", light)
                                         .add("as_of_ms", books_at_ms_)
                                         .add("balanced_at_ms", balanced_at_ms_)
                                         .add("auditor", audit.state)
                                         .finish())
                  .finish();
  parts_.broadcaster->publish("retry: 1000\nevent: snapshot\ndata: " + snapshot_ + "\n\n");
}

std::string Watcher::snapshot() const {
  const std::lock_guard lock(mutex_);
  return snapshot_;
}

std::string Watcher::series() const {
  const std::lock_guard lock(mutex_);
  http::JsonArray list;
  for (const std::string& point : series_) {
    list.add_json(point);
  }
  return list.finish();
}

std::string Watcher::books() const {
  const std::lock_guard lock(mutex_);
  return books_;
}

}  // namespace kpay::gateway
