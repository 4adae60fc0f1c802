#include "daemons/ctl/drain_proof.h"

#include <map>

#include "base/time.h"
#include "http/json.h"

namespace kpay::ctl {

namespace {

// Empty when each paused intake task has a marker at its very position: its totals are final.
std::string not_marked(const std::vector<InstanceView>& instances) {
  for (const InstanceView& instance : instances) {
    for (const TaskView& task : instance.tasks) {
      if (task.stage == "intake" && task.checkpoint_position != task.position) {
        return "intake/" + std::to_string(task.partition) + " has no checkpoint at " +
               std::to_string(task.position) + " yet";
      }
    }
  }
  return {};
}

}  // namespace

std::string not_drained(const HttpTables& tables, std::int32_t partitions,
                        const std::vector<InstanceView>& instances, ShownBooks& books) {
  const std::int64_t now_ms = wall_clock_now().ms;
  for (const std::string& why :
       {missing_tasks(instances, "intake", partitions, true, now_ms),
        missing_tasks(instances, "settle", partitions, false, now_ms), not_marked(instances)}) {
    if (!why.empty()) {
      return why;
    }
  }
  Result<ShownBooks> shown = show_books(tables, 1);
  if (!shown) {
    return "tables: " + shown.error().message;
  }
  books = std::move(*shown);
  for (const auto& [currency, each] : books.currencies) {
    if (each.in_flight != 0 || each.in_flight_value != core::Sum{}) {
      return std::to_string(each.in_flight) + " payments in flight (" + currency + ")";
    }
  }
  return books.missing.empty() ? std::string() : books.missing.front() + " is not served";
}

std::string positions_json(const std::vector<InstanceView>& instances, const std::string& stage) {
  std::map<std::int32_t, std::string> by_partition;
  for (const InstanceView& instance : instances) {
    for (const TaskView& task : instance.tasks) {
      if (task.stage == stage && task.phase == "running") {
        by_partition[task.partition] = http::JsonObject()
                                           .add("partition", task.partition)
                                           .add("position", task.checkpoint_position)
                                           .add("hash", task.state_hash)
                                           .finish();
      }
    }
  }
  http::JsonArray list;
  for (const auto& [partition, json] : by_partition) {
    list.add_json(json);
  }
  return list.finish();
}

}  // namespace kpay::ctl
