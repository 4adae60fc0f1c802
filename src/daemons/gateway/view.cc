#include "daemons/gateway/view.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <utility>

#include "daemons/ctl/amounts.h"
#include "daemons/ctl/load_view.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"
#include "stages/specs.h"

namespace kpay::gateway {

namespace {

using Json = nlohmann::json;

constexpr std::string_view kCompletedCount = ".completed_count";

std::string text_in(const Json& row, const std::string& name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::uint64_t count_in(const Json& row, const std::string& name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// A whole number, or decimal text where 64 bits are too few.
core::Sum sum_in(const Json& row, const std::string& name) {
  const auto found = row.find(name);
  if (found == row.end() || !(found->is_string() || found->is_number_integer())) {
    return {};
  }
  return ctl::sum_of_digits(found->is_string() ? found->get<std::string>() : found->dump());
}

core::Tally tally_in(const Json& row, const std::string& name) {
  return {count_in(row, name + "_count"), sum_in(row, name + "_value")};
}

void add(core::Tally& tally, const core::Tally& more) {
  tally.count += more.count;
  tally.value += more.value;
}

// A task as the API shows it, chosen among what the instances say: a live one goes first, then
// the one that spoke last.
struct ShownTask {
  const ctl::InstanceView* instance = nullptr;
  const ctl::TaskView* task = nullptr;
  bool live = false;
};

std::map<std::pair<std::string, std::int32_t>, ShownTask> tasks_of(
    const std::vector<ctl::InstanceView>& instances, std::int64_t now_ms) {
  std::map<std::pair<std::string, std::int32_t>, ShownTask> shown;
  for (const ctl::InstanceView& instance : instances) {
    const bool live = instance.phase != "stopped" && !instance.stale(now_ms);
    for (const ctl::TaskView& task : instance.tasks) {
      ShownTask& best = shown[{task.stage, task.partition}];
      const bool better = best.task == nullptr || (live && !best.live) ||
                          (live == best.live && instance.at_ms > best.instance->at_ms);
      if (better) {
        best = {&instance, &task, live};
      }
    }
  }
  return shown;
}

// Members of a task's status that TaskView doesn't have.
struct TaskExtra {
  double lag_seconds = 0;
  std::uint64_t dead_letters = 0;
};

std::map<std::pair<std::string, std::int32_t>, TaskExtra> extras_of(const std::string& status) {
  std::map<std::pair<std::string, std::int32_t>, TaskExtra> extras;
  const Json json = Json::parse(status, nullptr, false);
  if (!json.is_object() || !json.contains("tasks")) {
    return extras;
  }
  for (const Json& task : json["tasks"]) {
    const auto partition = task.find("partition");
    const auto seconds = task.find("lag_seconds");
    if (partition != task.end() && partition->is_number_unsigned() &&
        std::in_range<std::int32_t>(partition->get<std::uint64_t>())) {
      extras[{text_in(task, "stage"), partition->get<std::int32_t>()}] = {
          seconds != task.end() && seconds->is_number() ? seconds->get<double>() : 0,
          count_in(task, "dead_letters")};
    }
  }
  return extras;
}

std::string amount_json(const std::string& currency, const core::Sum& value) {
  const std::string minor = to_string(value);
  return http::JsonObject()
      .add("value", ctl::amount_text(minor, currency))
      .add("value_minor", minor)
      .finish();
}

std::string task_json(const ShownTask& shown, const TaskExtra& extra, double events_per_s,
                      bool stale) {
  const ctl::TaskView& task = *shown.task;
  return http::JsonObject()
      .add("partition", task.partition)
      .add("instance", shown.instance->instance)
      .add("phase", stale ? std::string("unserved") : task.phase)
      .add("reason", stale ? shown.instance->instance + " is silent or stopped" : task.reason)
      .add("position", task.position)
      .add("end", task.end)
      .add("lag", task.lag)
      .add_json("lag_seconds", decimal(extra.lag_seconds))
      .add_json("events_per_s", decimal(stale ? 0 : events_per_s))
      .add("checkpoint_position", task.checkpoint_position)
      .add("state_hash", task.state_hash)
      .add("dead_letters", extra.dead_letters)
      .add("paused", task.paused)
      .finish();
}

}  // namespace

std::string decimal(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f", number);
  return text.data();
}

std::string texts_json(const std::vector<std::string>& texts) {
  http::JsonArray list;
  for (const std::string& text : texts) {
    list.add(text);
  }
  return list.finish();
}

std::string tally_json(const std::string& currency, std::uint64_t count, const core::Sum& value) {
  const std::string minor = to_string(value);
  return http::JsonObject()
      .add("count", count)
      .add("value", ctl::amount_text(minor, currency))
      .add("value_minor", minor)
      .finish();
}

bool take_window(Totals& totals, const ctl::Row& row) {
  const Json fields = Json::parse(row.json, nullptr, false);
  if (!fields.is_object()) {
    return false;
  }
  const std::optional<core::Histogram> latency =
      core::parse_histogram(text_in(fields, "latency_ms_histogram"));
  if (!latency) {
    return false;
  }
  Window& window = totals.windows[row.key];
  window.latency_ms.merge(*latency);
  window.failed += count_in(fields, "failed_count");
  for (const auto& [name, value] : fields.items()) {
    if (name.ends_with(kCompletedCount)) {
      const std::string currency = name.substr(0, name.size() - kCompletedCount.size());
      add(window.completed[currency], tally_in(fields, currency + ".completed"));
    }
  }
  return true;
}

bool take_day(Totals& totals, const ctl::Row& row) {
  const Json fields = Json::parse(row.json, nullptr, false);
  const std::size_t mark = row.key.find('/');
  if (!fields.is_object() || mark == std::string::npos) {
    return false;
  }
  if (row.key.substr(0, mark) == totals.day) {
    Day& day = totals.today[row.key.substr(mark + 1)];
    add(day.confirmed, tally_in(fields, "confirmed"));
    add(day.failed, tally_in(fields, "failed"));
  }
  return true;
}

Rates rates_of(const Totals& before, const Totals& now) {
  const auto passed = static_cast<double>(now.at_ms - before.at_ms) / 1000;
  if (before.at_ms == 0 || passed <= 0 || before.missing != now.missing) {
    return {};
  }
  Rates rates;
  for (const auto& [currency, each] : now.books.currencies) {
    const auto found = before.books.currencies.find(currency);
    const ctl::ShownCurrency was =
        found == before.books.currencies.end() ? ctl::ShownCurrency{} : found->second;
    const auto per_s = [passed](std::uint64_t a, std::uint64_t b) {
      return static_cast<double>(b - std::min(a, b)) / passed;
    };
    rates.accepted_per_s += per_s(was.accepted, each.accepted);
    rates.completed_per_s += per_s(was.confirmed, each.confirmed);
    rates.failed_per_s += per_s(was.failed, each.failed);
  }
  return rates;
}

std::vector<ctl::InstanceView> instances_of(const Seen& seen) {
  std::vector<ctl::InstanceView> instances;
  // An instance speaks under its own name; what another says in its place is nothing.
  for (const auto& [id, json] : seen.status) {
    std::optional<ctl::InstanceView> view = ctl::parse_status(json);
    if (view && view->instance == id) {
      instances.push_back(std::move(*view));
    }
  }
  return instances;
}

std::string instances_json(const Seen& seen, std::int64_t now_ms) {
  http::JsonArray list;
  for (const auto& [id, json] : seen.status) {
    const std::optional<ctl::InstanceView> view = ctl::parse_status(json);
    if (!view || view->instance != id) {
      continue;
    }
    const Json whole = Json::parse(json, nullptr, false);
    list.add_json(http::JsonObject()
                      .add("instance", view->instance)
                      .add("daemon", view->daemon)
                      .add("phase", view->phase)
                      .add("state", view->state)
                      .add("stale", view->stale(now_ms))
                      .add("paused", view->paused)
                      .add("tasks", view->tasks.size())
                      .add("address", text_in(whole, "address"))
                      .add("build", text_in(whole, "build"))
                      .add("config_hash", text_in(whole, "config_hash"))
                      .add("at_ms", view->at_ms)
                      .finish());
  }
  return list.finish();
}

std::string stages_json(const Seen& seen, std::int32_t partitions, std::int64_t now_ms,
                        Overall& overall) {
  const std::vector<ctl::InstanceView> instances = instances_of(seen);
  const auto tasks = tasks_of(instances, now_ms);
  http::JsonArray stages;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    http::JsonArray list;
    std::int64_t lag = 0;
    double lag_seconds = 0;
    double events_per_s = 0;
    for (std::int32_t partition = 0; partition < partitions; ++partition) {
      const auto found = tasks.find({spec.name, partition});
      if (found == tasks.end()) {
        overall.missing.push_back(spec.name + "/" + std::to_string(partition));
        list.add_json(http::JsonObject()
                          .add("partition", partition)
                          .add("instance", "")
                          .add("phase", "unserved")
                          .add("reason", "no instance has it")
                          .finish());
        continue;
      }
      const ShownTask& shown = found->second;
      const auto extras = extras_of(seen.status.at(shown.instance->instance));
      const auto extra = extras.find(found->first);
      const auto pace = seen.paces.find(found->first);
      const TaskExtra more = extra == extras.end() ? TaskExtra{} : extra->second;
      const double speed = pace == seen.paces.end() ? 0 : pace->second.events_per_s;
      list.add_json(task_json(shown, more, speed, !shown.live));
      if (!shown.live || shown.task->phase != "running") {
        overall.missing.push_back(spec.name + "/" + std::to_string(partition));
      }
      lag += std::max<std::int64_t>(0, shown.task->lag);
      lag_seconds = std::max(lag_seconds, more.lag_seconds);
      events_per_s += shown.live ? speed : 0;
      overall.held += shown.task->phase == "held" ? 1 : 0;
      overall.dead_letters += more.dead_letters;
    }
    overall.lag += lag;
    stages.add_json(http::JsonObject()
                        .add("stage", spec.name)
                        .add("lag", lag)
                        .add_json("lag_seconds", decimal(lag_seconds))
                        .add_json("events_per_s", decimal(events_per_s))
                        .add_json("partitions", list.finish())
                        .finish());
  }
  return stages.finish();
}

std::string totals_json(const Totals& totals) {
  http::JsonObject currencies;
  for (const auto& [currency, each] : totals.books.currencies) {
    // The tables are of slightly different times, so that a difference can seem to be negative.
    const auto in_flight = static_cast<std::uint64_t>(std::max<std::int64_t>(0, each.in_flight));
    const core::Sum in_flight_value = std::max(core::Sum(), each.in_flight_value);
    const core::Sum in_transit = std::max(core::Sum(), each.in_transit);
    const auto day = totals.today.find(currency);
    const Day today = day == totals.today.end() ? Day{} : day->second;
    currencies.add_json(
        currency,
        http::JsonObject()
            .add_json("accepted", tally_json(currency, each.accepted, each.accepted_value))
            .add_json("completed", tally_json(currency, each.confirmed, each.confirmed_value))
            .add_json("failed", tally_json(currency, each.failed, each.failed_value))
            .add_json("in_flight", tally_json(currency, in_flight, in_flight_value))
            .add_json("in_transit", amount_json(currency, in_transit))
            .add_json("confirmed_today",
                      tally_json(currency, today.confirmed.count, today.confirmed.value))
            .add_json("failed_today", tally_json(currency, today.failed.count, today.failed.value))
            .add("rejected", each.rejected)
            .finish());
  }
  return http::JsonObject()
      .add("at_ms", totals.at_ms)
      .add("day", totals.day)
      .add_json("missing_partitions", texts_json(totals.missing))
      .add_json("currencies", currencies.finish())
      .finish();
}

namespace {

std::string latency_of(const core::Histogram& histogram) {
  const bool any = histogram.count() > 0;
  const auto percentile = [&](std::uint32_t per_mille) {
    return any ? histogram.percentile(per_mille) : 0;
  };
  return http::JsonObject()
      .add("count", histogram.count())
      .add("min", histogram.min())
      .add("p50", percentile(500))
      .add("p90", percentile(900))
      .add("p99", percentile(990))
      .add("p999", percentile(999))
      .add("max", histogram.max())
      .finish();
}

}  // namespace

std::string windows_json(const Totals& totals) {
  http::JsonArray list;
  for (const auto& [minute, window] : totals.windows) {
    http::JsonObject completed;
    for (const auto& [currency, tally] : window.completed) {
      completed.add_json(currency, tally_json(currency, tally.count, tally.value));
    }
    list.add_json(http::JsonObject()
                      .add("minute", minute)
                      .add("failed", window.failed)
                      .add_json("latency_ms", latency_of(window.latency_ms))
                      .add_json("completed", completed.finish())
                      .finish());
  }
  return list.finish();
}

std::string latency_json(const Totals& totals) {
  core::Histogram merged;
  std::size_t taken = 0;
  for (auto each = totals.windows.rbegin(); each != totals.windows.rend() && taken < 2; ++each) {
    merged.merge(each->second.latency_ms);
    ++taken;
  }
  return latency_of(merged);
}

std::string books_json(const ctl::ShownBooks& books) {
  http::JsonObject currencies;
  for (const auto& [currency, each] : books.currencies) {
    const auto amount = [&](const core::Sum& sum) { return amount_json(currency, sum); };
    core::Sum difference = each.balances + each.in_transit;
    difference -= each.opening;
    difference -= each.deposits;
    currencies.add_json(currency, http::JsonObject()
                                      .add("conserved", each.conserved())
                                      .add("accounts", each.accounts)
                                      .add_json("balances", amount(each.balances))
                                      .add_json("suspense", amount(each.suspense))
                                      .add_json("in_transit", amount(each.in_transit))
                                      .add_json("opening", amount(each.opening))
                                      .add_json("deposits", amount(each.deposits))
                                      .add_json("difference", amount(difference))
                                      .finish());
  }
  return currencies.finish();
}

std::string load_json(const Seen& seen, std::int64_t now_ms) {
  std::vector<ctl::LoadInstance> instances;
  for (const auto& [id, json] : seen.status) {
    if (std::optional<ctl::LoadInstance> instance = ctl::parse_load_instance(json)) {
      instances.push_back(std::move(*instance));
    }
  }
  const auto found = seen.state.find(tool::kLoadKey);
  const Result<tool::LoadState> wanted = found == seen.state.end()
                                             ? Result<tool::LoadState>(tool::LoadState{})
                                             : tool::parse_load_state(found->second);
  http::JsonArray list;
  bool allowed = false;
  bool present = false;
  for (const ctl::LoadInstance& each : instances) {
    const bool here = each.view.phase != "stopped" && !each.view.stale(now_ms);
    present = present || here;
    allowed = allowed || (here && each.allowed);
    list.add_json(http::JsonObject()
                      .add("instance", each.view.instance)
                      .add("phase", each.view.phase)
                      .add("stale", each.view.stale(now_ms))
                      .add("state", each.view.state)
                      .add("at_ms", each.view.at_ms)
                      .add_json("load", each.load)
                      .finish());
  }
  const std::string missing =
      wanted ? ctl::missing_load(instances, *wanted, now_ms) : wanted.error().message;
  return http::JsonObject()
      .add_json("wanted", to_json(wanted ? *wanted : tool::LoadState{}))
      .add("text", wanted ? ctl::text_of(*wanted) : wanted.error().message)
      .add("present", present)
      .add("allowed", allowed)
      .add("reached", missing.empty())
      .add("missing", missing)
      .add_json("instances", list.finish())
      .finish();
}

std::string control_json(const Seen& seen, std::int32_t partitions, std::int64_t now_ms) {
  const auto found = seen.state.find("pipeline");
  const std::optional<ctl::PipelineState> wanted =
      found == seen.state.end() ? ctl::PipelineState{} : ctl::parse_pipeline(found->second);
  const ctl::PipelineState state = wanted.value_or(ctl::PipelineState{});
  const std::string missing =
      ctl::missing_tasks(instances_of(seen), "intake", partitions, state.paused, now_ms);
  return http::JsonObject()
      .add("desired", state.paused ? "paused" : "running")
      .add("reason", state.reason)
      .add("owner", state.owner)
      .add("at_ms", state.at_ms)
      .add("reached", missing.empty())
      .add("missing", missing)
      .finish();
}

}  // namespace kpay::gateway
