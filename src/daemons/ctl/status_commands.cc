#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/control.h"
#include "daemons/ctl/http_tables.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kHashShown = 8;

std::string dash(std::int64_t number) { return number < 0 ? "-" : std::to_string(number); }

std::string age_text(std::int64_t ms) {
  return ms < 60'000 ? std::to_string(ms / 1000) + "s" : std::to_string(ms / 60'000) + "m";
}

std::string instances_text(const std::vector<InstanceView>& instances, std::int64_t now_ms) {
  TextTable table({"INSTANCE", "DAEMON", "PHASE", "TOLD", "STATE"});
  for (const InstanceView& each : instances) {
    table.add({each.instance, each.daemon, each.stale(now_ms) ? "STALE" : each.phase,
               age_text(now_ms - each.at_ms), each.paused ? each.state + " (paused)" : each.state});
  }
  return table.text();
}

std::string tasks_text(const std::vector<InstanceView>& instances, std::int64_t now_ms) {
  TextTable table({"STAGE", "P", "INSTANCE", "PHASE", "POSITION", "END", "LAG", "CHECKPOINT",
                   "HASH", "REASON"});
  for (const InstanceView& instance : instances) {
    for (const TaskView& task : instance.tasks) {
      table.add({task.stage, std::to_string(task.partition), instance.instance,
                 instance.stale(now_ms) ? "STALE" : task.phase, std::to_string(task.position),
                 dash(task.end), dash(task.lag), std::to_string(task.checkpoint_position),
                 task.state_hash.substr(0, kHashShown), task.reason});
    }
  }
  return table.text();
}

// What keeps the system from being whole, stage by stage; empty when nothing does.
std::string fault_of(const std::vector<InstanceView>& instances, const PipelineState& pipeline,
                     std::int32_t partitions, std::int64_t now_ms) {
  std::string faults;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    const bool paused = pipeline.paused && spec.name == "intake";
    const std::string missing = missing_tasks(instances, spec.name, partitions, paused, now_ms);
    faults += missing.empty() ? "" : missing + "\n";
  }
  return faults;
}

Result<Answer> show(const Session& session, bool check) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<std::map<std::string, std::string>> values =
      read_compacted(*reached->reader, reached->connection.topic("control.status"));
  if (!values) {
    return Unexpected(values.error());
  }
  Result<PipelineState> pipeline = read_pipeline(*reached);
  if (!pipeline) {
    return Unexpected(pipeline.error());
  }
  const std::int64_t now_ms = wall_clock_now().ms;
  std::vector<InstanceView> instances;
  Json list = Json::array();
  Answer answer;
  for (const auto& [id, value] : *values) {
    if (std::optional<InstanceView> view = parse_status(value)) {
      Json each = Json::parse(value, nullptr, false);
      each["stale"] = view->stale(now_ms);
      answer.lines.push_back(each.dump());
      list.push_back(std::move(each));
      instances.push_back(std::move(*view));
    }
  }
  const std::string fault = fault_of(instances, *pipeline, reached->partitions, now_ms);
  answer.json = Json{{"whole", fault.empty()},
                     {"pipeline", Json::parse(to_json(*pipeline))},
                     {"partitions", reached->partitions},
                     {"instances", std::move(list)}}
                    .dump();
  answer.text = instances_text(instances, now_ms) + "\n" + tasks_text(instances, now_ms);
  answer.note = fault;
  answer.exit = check && !fault.empty() ? tool::Exit::check_failed : tool::Exit::ok;
  return answer;
}

}  // namespace

void add_status(CLI::App& app, Session& session) {
  CLI::App* status = app.add_subcommand("status", "Show every instance and every task");
  const auto check = std::make_shared<bool>(false);
  status->add_flag("--check", *check, "Exit 8 unless every task runs on a live instance");
  add_jsonl(*status, session);
  status->callback(
      [&session, check] { session.chosen = [&session, check] { return show(session, *check); }; });
}

}  // namespace kpay::ctl
