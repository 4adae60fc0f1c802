#include "daemons/ctl/missing_task.h"

namespace kpay::ctl {

std::string missing_task(const std::vector<InstanceView>& instances, const std::string& stage,
                         std::int32_t partition, bool paused, std::int64_t now_ms) {
  std::string why = "is not served";
  for (const InstanceView& instance : instances) {
    if (instance.stale(now_ms) || instance.phase == "stopped") {
      continue;
    }
    for (const TaskView& task : instance.tasks) {
      if (task.stage != stage || task.partition != partition) {
        continue;
      }
      if (task.phase != "running") {
        why = "is " + task.phase + (task.reason.empty() ? "" : " (" + task.reason + ")");
      } else if (task.paused != paused) {
        why = paused ? "is not paused yet" : "is still paused";
      } else {
        why.clear();
      }
    }
  }
  return why.empty() ? why : stage + "/" + std::to_string(partition) + " " + why;
}

}  // namespace kpay::ctl
