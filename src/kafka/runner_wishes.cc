// Runner: what the control plane and operators want of the tasks, now and of those to come.
#include "kafka/runner.h"

namespace kpay::kafka {

void Runner::set_paused(const std::string& stage, bool paused) {
  if (const std::optional<std::size_t> spec = spec_of(stage)) {
    const std::lock_guard lock(paused_mutex_);
    paused_[*spec] = paused;
    if (running_) {
      tell_paused(*spec, paused);
    }
  }
}

void Runner::tell_paused(std::size_t spec, bool paused) {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([spec, paused](stream::Host& host) { host.set_paused(spec, paused); });
  }
}

void Runner::want_override(const stream::OperatorAnswer& answer) {
  const std::int32_t partition = answer.record.partition;
  std::size_t spec = 0;
  while (spec < options_.specs.size() && options_.specs[spec].number != answer.record.stage) {
    ++spec;
  }
  if (spec == options_.specs.size() || partition < 0 || partition >= options_.partitions) {
    return;
  }
  const std::lock_guard lock(paused_mutex_);
  overrides_.emplace_back(spec, partition, answer);
  if (running_) {
    tell_override(spec, partition, answer);
  }
}

void Runner::tell_override(std::size_t spec, std::int32_t partition,
                           const stream::OperatorAnswer& answer) {
  worker_of(spec, partition).post([spec, partition, answer](stream::Host& host) {
    host.want_override(spec, partition, answer, monotonic_ms());
  });
}

bool Runner::re_emit(const std::string& stage, std::int32_t partition,
                     std::shared_ptr<const stream::ReEmission> from) {
  const std::optional<std::size_t> spec = spec_of(stage);
  if (!spec || partition < 0 || partition >= options_.partitions) {
    return false;
  }
  return worker_of(*spec, partition)
      .ask<bool>([spec = *spec, partition, from](stream::Host& host) {
        return host.re_emit(spec, partition, from, monotonic_ms());
      })
      .get();
}

void Runner::acknowledge_time() {
  for (const std::unique_ptr<Worker>& worker : workers_) {
    worker->post([](stream::Host& host) {
      for (const std::shared_ptr<stream::Task>& task : host.tasks()) {
        task->acknowledge_time();
      }
    });
  }
}

}  // namespace kpay::kafka
