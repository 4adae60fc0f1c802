#include "daemons/service/task_metrics.h"

#include "daemons/service/status.h"

namespace kpay::daemons {

namespace {

namespace families = telemetry::families;

constexpr const char* kStates[] = {"restoring", "running", "held"};

const char* state_of(stream::Phase phase) {
  switch (phase) {
    case stream::Phase::running:
    case stream::Phase::stopping: return "running";
    case stream::Phase::switched:  // waits, too: for the next build
    case stream::Phase::held: return "held";
    default: return "restoring";
  }
}

// A smaller number than before is a task that began anew.
void add(telemetry::Counter& counter, std::uint64_t now, std::uint64_t& before) {
  counter.add(now >= before ? now - before : now);
  before = now;
}

}  // namespace

TaskMetrics::TaskMetrics(telemetry::Metrics& metrics, const std::vector<stream::StageSpec>& specs)
    : metrics_(metrics) {
  for (const stream::StageSpec& spec : specs) {
    stages_.insert(spec.name);
    for (const char* result : {"applied", "replayed", "early", "discarded"}) {
      metrics_.counter(families::input_events_total, {spec.name, result});
    }
    metrics_.counter(families::checkpoints_total, {spec.name});
  }
  set_states({});
}

void TaskMetrics::update(const std::vector<kafka::RunnerTask>& tasks, Timestamp wall_clock) {
  std::map<Place, Seen> gone;
  gone.swap(seen_);
  for (const kafka::RunnerTask& task : tasks) {
    const stream::TaskStatus& status = task.status;
    const Place place{status.stage, status.partition};
    if (const auto before = gone.find(place); before != gone.end()) {
      seen_.insert(gone.extract(before));
    }
    count(status);
    const std::string partition = std::to_string(status.partition);
    const std::int64_t lag = task.end < 0 ? 0 : task.end - status.position;
    metrics_.gauge(families::lag_records, {status.stage, partition}).set(static_cast<double>(lag));
    metrics_.gauge(families::lag_seconds, {status.stage, partition})
        .set(lag_seconds(task, wall_clock));
    metrics_.gauge(families::unacknowledged_bytes, {status.stage, partition})
        .set(static_cast<double>(status.unacknowledged_bytes));
  }
  for (const auto& [place, seen] : gone) {
    for (const telemetry::Family* family :
         {&families::lag_records, &families::lag_seconds, &families::unacknowledged_bytes}) {
      metrics_.hide(*family, {place.first, std::to_string(place.second)});
    }
  }
  set_states(tasks);
}

void TaskMetrics::count(const stream::TaskStatus& status) {
  Seen& seen = seen_[{status.stage, status.partition}];
  const auto events = [&](const char* result) -> telemetry::Counter& {
    return metrics_.counter(families::input_events_total, {status.stage, result});
  };
  add(events("applied"), status.events, seen.events);
  add(events("replayed"), status.replayed, seen.replayed);
  add(events("early"), status.early, seen.early);
  add(events("discarded"), status.discarded, seen.discarded);
  add(metrics_.counter(families::checkpoints_total, {status.stage}), status.checkpoints,
      seen.checkpoints);
}

void TaskMetrics::set_states(const std::vector<kafka::RunnerTask>& tasks) {
  for (const std::string& stage : stages_) {
    for (const char* state : kStates) {
      double number = 0;
      for (const kafka::RunnerTask& task : tasks) {
        const bool counts =
            task.status.stage == stage && std::string(state_of(task.status.phase)) == state;
        number += counts ? 1 : 0;
      }
      metrics_.gauge(families::tasks, {stage, state}).set(number);
    }
  }
}

}  // namespace kpay::daemons
