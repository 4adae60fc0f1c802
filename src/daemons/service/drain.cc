#include "daemons/service/drain.h"

#include "daemons/service/finish.h"
#include "http/json.h"

namespace kpay::daemons {

namespace {

std::string why_not_clean(const stream::TaskStatus& status) {
  switch (status.phase) {
    case stream::Phase::running:
    case stream::Phase::stopping: return "the deadline passed before its last checkpoint";
    case stream::Phase::held:
    case stream::Phase::failed:
    case stream::Phase::fenced:
      return std::string("it was ") + stream::to_string(status.phase) + ": " + status.reason;
    default: return "it was not restored yet";
  }
}

}  // namespace

void DrainBook::released(DrainRecord record) {
  const std::lock_guard lock(mutex_);
  auto key = std::pair(record.stage, record.partition);
  records_.insert_or_assign(std::move(key), std::move(record));
}

void DrainBook::restored(const std::string& stage, std::int32_t partition) {
  const std::lock_guard lock(mutex_);
  records_.erase({stage, partition});
}

std::vector<DrainRecord> DrainBook::close(const std::vector<kafka::RunnerTask>& before) {
  const std::lock_guard lock(mutex_);
  std::vector<DrainRecord> closed;
  for (const kafka::RunnerTask& task : before) {
    const stream::TaskStatus& status = task.status;
    const auto [at, missing] = records_.try_emplace({status.stage, status.partition});
    if (missing) {
      at->second = {status.stage,
                    status.partition,
                    status.checkpoint_position,
                    status.checkpoint,
                    status.state_hash,
                    is_at_switch(status),
                    is_at_switch(status) ? "" : why_not_clean(status)};
    }
    closed.push_back(at->second);
  }
  return closed;
}

std::vector<DrainRecord> DrainBook::all() const {
  const std::lock_guard lock(mutex_);
  std::vector<DrainRecord> records;
  for (const auto& [key, record] : records_) {
    records.push_back(record);
  }
  return records;
}

std::string drain_records_json(const std::vector<DrainRecord>& records) {
  http::JsonArray list;
  for (const DrainRecord& record : records) {
    http::JsonObject json;
    json.add("stage", record.stage)
        .add("partition", record.partition)
        .add("position", record.position)
        .add("marker", record.marker)
        .add("hash", to_string(record.state_hash))
        .add("clean", record.clean)
        .add("reason", record.reason);
    list.add_json(json.finish());
  }
  return list.finish();
}

}  // namespace kpay::daemons
