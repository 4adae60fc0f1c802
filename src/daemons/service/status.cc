#include "daemons/service/status.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "http/json.h"

namespace kpay::daemons {

namespace {

std::string task_json(const kafka::RunnerTask& task, Timestamp at) {
  const stream::TaskStatus& status = task.status;
  http::JsonArray refused;
  for (const stream::SenderId& sender : status.refused) {
    refused.add(std::to_string(sender.stage) + "/" + std::to_string(sender.partition));
  }
  http::JsonObject json;
  json.add("stage", status.stage)
      .add("partition", status.partition)
      .add("phase", stream::to_string(status.phase))
      .add("reason", status.reason)
      .add("position", status.position)
      .add("end", task.end)
      .add("lag", task.end < 0 ? std::int64_t{-1} : task.end - status.position)
      .add_json("lag_seconds", nlohmann::json(lag_seconds(task, at)).dump())
      .add("checkpoint", status.checkpoint)
      .add("checkpoint_position", status.checkpoint_position)
      .add("epoch", status.epoch)
      .add("state_hash", to_string(status.state_hash))
      .add("now", to_rfc3339(status.now))
      .add("logic_version", status.logic_version)
      .add("state_version", status.state_version)
      .add("rows", status.rows)
      .add("records", status.records)
      .add("events", status.events)
      .add("replayed", status.replayed)
      .add("early", status.early)
      .add("discarded", status.discarded)
      .add("dead_letters", status.dead_letters)
      .add("dead_letters_open", status.dead_letters_open)
      .add("checkpoints", status.checkpoints)
      .add("bases", status.bases)
      .add("rows_restored", status.rows_restored)
      .add("unacknowledged_bytes", std::uint64_t{status.unacknowledged_bytes})
      .add("time_waiting", status.time_waiting)
      .add("store_behind", status.store_behind)
      .add("store_was_used", status.store_was_used)
      .add("paused", status.paused)
      .add("re_emitting", status.re_emitting)
      .add_json("refused", refused.finish());
  if (status.gap) {
    http::JsonObject gap;
    gap.add("sender", std::to_string(status.gap->sender.stage) + "/" +
                          std::to_string(status.gap->sender.partition))
        .add("from", status.gap->from)
        .add("to", status.gap->to);
    json.add_json("gap", gap.finish());
  }
  return json.finish();
}

std::string standby_json(const stream::TaskStatus& status) {
  return http::JsonObject()
      .add("stage", status.stage)
      .add("partition", status.partition)
      .add("phase", stream::to_string(status.phase))
      .add("reason", status.reason)
      .add("checkpoint", status.checkpoint)
      .add("checkpoint_position", status.checkpoint_position)
      .add("epoch", status.epoch)
      .add("state_hash", to_string(status.state_hash))
      .add("rows", status.rows)
      .finish();
}

http::JsonObject snapshot_json(const stream::SnapshotManifest& manifest) {
  http::JsonObject json;
  json.add("position", manifest.marker.registers.position)
      .add("checkpoint", manifest.marker.number)
      .add("state_hash", to_string(manifest.marker.state_hash))
      .add("taken_ms", manifest.taken.ms);
  return json;
}

std::string kept_json(const std::vector<KeptSnapshots>& kept) {
  http::JsonArray list;
  for (const KeptSnapshots& each : kept) {
    list.add_json(http::JsonObject()
                      .add("stage", each.stage)
                      .add("partition", each.partition)
                      .add("count", std::uint64_t{each.count})
                      .add_json("oldest", snapshot_json(each.oldest).finish())
                      .add_json("newest", snapshot_json(each.newest).finish())
                      .finish());
  }
  return list.finish();
}

}  // namespace

std::string snapshots_json(const std::vector<stream::Snapshot>& snapshots) {
  http::JsonArray list;
  for (const stream::Snapshot& each : snapshots) {
    list.add_json(snapshot_json(each.manifest)
                      .add("stage", each.manifest.stage)
                      .add("partition", each.manifest.partition)
                      .add("bytes", each.manifest.file.bytes)
                      .add("path", each.folder)
                      .finish());
  }
  return list.finish();
}

std::string status_json(const InstanceStatus& status) {
  http::JsonArray tasks;
  for (const kafka::RunnerTask& task : status.tasks) {
    tasks.add_json(task_json(task, status.at));
  }
  http::JsonArray standbys;
  for (const stream::TaskStatus& each : status.standbys) {
    standbys.add_json(standby_json(each));
  }
  http::JsonObject json;
  json.add("instance", status.instance)
      .add("daemon", status.daemon)
      .add("build", status.build)
      .add("config_hash", status.config_hash)
      .add("address", status.address)
      .add("at_ms", status.at.ms)
      .add("phase", status.phase)
      .add("state", status.state)
      .add("paused", status.paused)
      .add_json("tasks", tasks.finish())
      .add_json("standbys", standbys.finish())
      .add_json("drain_records", drain_records_json(status.drained))
      .add_json("snapshots", kept_json(status.snapshots));
  return json.finish();
}

std::string metadata_json(const InstanceStatus& status) {
  std::map<std::string, http::JsonArray> partitions;
  for (const kafka::RunnerTask& task : status.tasks) {
    partitions[task.status.stage].add_json(std::to_string(task.status.partition));
  }
  http::JsonObject stages;
  for (auto& [stage, list] : partitions) {
    stages.add_json(stage, list.finish());
  }
  http::JsonObject json;
  json.add("instance", status.instance)
      .add("daemon", status.daemon)
      .add("address", status.address)
      .add("build", status.build)
      .add("config_hash", status.config_hash)
      .add_json("stages", stages.finish())
      .add("at_ms", status.at.ms);
  return json.finish();
}

std::string status_line(const InstanceStatus& status) {
  std::size_t held = 0;
  std::int64_t lag = 0;
  for (const kafka::RunnerTask& task : status.tasks) {
    held += task.status.phase == stream::Phase::held ? 1 : 0;
    lag += std::max<std::int64_t>(0, task.end - task.status.position);
  }
  std::string line = status.phase + ": " + std::to_string(status.tasks.size()) + " tasks";
  line += held == 0 ? "" : ", " + std::to_string(held) + " held";
  line += ", " + std::to_string(lag) + " records behind";
  return line + (status.state.empty() ? "" : "; " + status.state);
}

double lag_seconds(const kafka::RunnerTask& task, Timestamp wall_clock) {
  if (task.end <= task.status.position || task.status.now.ms == 0) {
    return 0;
  }
  return static_cast<double>(std::max<std::int64_t>(0, wall_clock.ms - task.status.now.ms)) / 1000;
}

std::string fields_json(const stream::Fields& fields) {
  http::JsonObject json;
  for (const stream::Field& field : fields) {
    std::visit([&](const auto& value) { json.add(field.name, value); }, field.value);
  }
  return json.finish();
}

}  // namespace kpay::daemons
