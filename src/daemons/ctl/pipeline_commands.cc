#include <CLI/CLI.hpp>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/cli.h"
#include "daemons/ctl/control.h"
#include "daemons/ctl/drain_proof.h"
#include "daemons/ctl/interrupt.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct PipelineFlags {
  std::string reason;
  bool wait = false;
  int timeout_s = 60;
};

const char* word(bool paused) { return paused ? "paused" : "running"; }

struct Change {
  bool changed = false;
  PipelineState before;
  PipelineState after;
};

// What a change would be; nothing is written yet.
Result<Change> plan(tool::Reached& reached, bool paused, const std::string& reason) {
  Result<PipelineState> before = read_pipeline(reached);
  if (!before) {
    return Unexpected(before.error());
  }
  if (before->paused == paused) {
    return Change{false, *before, *before};
  }
  return Change{true, *before, {paused, reason, operator_name(), wall_clock_now().ms}};
}

Result<void> make(const tool::Reached& reached, const Change& change) {
  return change.changed ? write_pipeline(reached, change.after) : Result<void>();
}

Json document(const Change& change) {
  return {{"changed", change.changed},
          {"before", {{"desired", word(change.before.paused)}}},
          {"after", {{"desired", word(change.after.paused)}, {"reason", change.after.reason}}}};
}

Answer dry_answer(const Change& change) {
  Json json = document(change);
  json["dry_run"] = true;
  return {json.dump(), std::string(change.changed ? "would be " : "is already ") +
                           word(change.after.paused) + "\n"};
}

Result<std::string> not_at(tool::Reached& reached, bool paused) {
  Result<std::vector<InstanceView>> instances = read_instances(reached);
  if (!instances) {
    return Unexpected(instances.error());
  }
  return missing_tasks(*instances, "intake", reached.partitions, paused, wall_clock_now().ms);
}

Result<Answer> set(const Session& session, const PipelineFlags& flags, bool paused) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  const std::int64_t deadline = monotonic_ms() + 1000LL * flags.timeout_s;
  Result<Change> changed = plan(*reached, paused, flags.reason);
  if (!changed) {
    return Unexpected(changed.error());
  }
  if (session.dry_run) {
    return dry_answer(*changed);
  }
  if (Result<void> made = make(*reached, *changed); !made) {
    return Unexpected(made.error());
  }
  Json json = document(*changed);
  if (flags.wait) {
    Result<std::string> missing = wait_for(deadline, [&] { return not_at(*reached, paused); });
    if (!missing) {
      return Unexpected(missing.error());
    }
    if (!missing->empty()) {
      return failed(tool::Exit::timed_out, "timed_out",
                    "not " + std::string(word(paused)) + " within " +
                        std::to_string(flags.timeout_s) + " s: " + *missing,
                    "the pipeline's desired state stands");
    }
    json["reached"] = true;
  }
  return Answer{json.dump(), std::string(word(paused)) + "\n",
                changed->changed ? "" : "it was so already\n"};
}

// Why the pipeline is not drained yet; empty when it is, and then `instances` is the proof.
Result<std::string> look(const Session& session, tool::Reached& reached,
                         std::vector<InstanceView>& instances, ShownBooks& books) {
  Result<std::vector<InstanceView>> seen = read_instances(reached);
  if (!seen) {
    return Unexpected(seen.error());
  }
  instances = std::move(*seen);
  Result<HttpTables> tables = HttpTables::open(session.http, reached);
  if (!tables) {
    return Unexpected(tables.error());
  }
  return not_drained(*tables, reached.partitions, instances, books);
}

Answer drained_answer(const Change& change, const std::vector<InstanceView>& instances,
                      const ShownBooks& books) {
  Json json = document(change);
  json["drained"] = true;
  json["intake"] = Json::parse(positions_json(instances, "intake"));
  json["settle"] = Json::parse(positions_json(instances, "settle"));
  json["in_flight"] = Json::object();
  for (const auto& [currency, each] : books.currencies) {
    json["in_flight"][currency] = {{"count", each.in_flight},
                                   {"value_minor", each.in_flight_value.narrow().value_or(0)}};
  }
  TextTable table({"STAGE", "PARTITION", "POSITION", "STATE HASH"});
  for (const char* stage : {"intake", "settle"}) {
    for (const Json& each : json[stage]) {
      table.add({stage, each["partition"].dump(), each["position"].dump(),
                 each["hash"].get<std::string>()});
    }
  }
  return {json.dump(), table.text(), "drained: intake is paused, nothing is in flight\n"};
}

Result<Answer> drain(const Session& session, const PipelineFlags& flags) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<Change> changed = plan(*reached, true, flags.reason);
  if (!changed) {
    return Unexpected(changed.error());
  }
  if (session.dry_run) {
    return dry_answer(*changed);
  }
  if (changed->changed) {
    if (std::optional<Answer> stop =
            ask(session, reached->connection,
                "drain: no payment is taken until `kpayctl pipeline resume`")) {
      return *stop;
    }
  }
  const std::int64_t deadline = monotonic_ms() + 1000LL * flags.timeout_s;
  when_interrupted(
      "intake stays paused: `kpayctl pipeline drain` waits on, `pipeline resume` ends it");
  if (Result<void> made = make(*reached, *changed); !made) {
    return Unexpected(made.error());
  }
  std::vector<InstanceView> instances;
  ShownBooks books;
  Result<std::string> missing =
      wait_for(deadline, [&] { return look(session, *reached, instances, books); });
  if (!missing) {
    return Unexpected(missing.error());
  }
  if (!missing->empty()) {
    return failed(tool::Exit::timed_out, "timed_out",
                  "not drained within " + std::to_string(flags.timeout_s) + " s: " + *missing,
                  "intake stays paused: `kpayctl pipeline resume` ends that");
  }
  return drained_answer(*changed, instances, books);
}

Result<Answer> show(const Session& session) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<PipelineState> state = read_pipeline(*reached);
  if (!state) {
    return Unexpected(state.error());
  }
  Result<std::string> missing = not_at(*reached, state->paused);
  if (!missing) {
    return Unexpected(missing.error());
  }
  Json json{{"desired", word(state->paused)}, {"reason", state->reason},
            {"owner", state->owner},          {"at_ms", state->at_ms},
            {"reached", missing->empty()},    {"missing", *missing}};
  std::string text = word(state->paused);
  if (!state->reason.empty()) {
    text += ": " + state->reason + " (" + state->owner + ", " +
            to_rfc3339(Timestamp{state->at_ms}) + ")";
  }
  return Answer{json.dump(), text + "\n", missing->empty() ? "" : *missing + "\n"};
}

}  // namespace

void add_pipeline(CLI::App& app, Session& session) {
  CLI::App* pipeline =
      app.add_subcommand("pipeline", "Pause, drain and resume the taking of payments");
  pipeline->require_subcommand(1);
  const auto flags = std::make_shared<PipelineFlags>();
  const auto add = [&](const char* name, const char* about, std::function<Result<Answer>()> what) {
    CLI::App* command = pipeline->add_subcommand(name, about);
    command->add_option("--reason", flags->reason, "Why; everybody can read it")->required();
    command->add_option("--timeout", flags->timeout_s, "Seconds to wait; then exit 9 [60]")
        ->check(CLI::Range(1, 86'400));
    command->callback([&session, what = std::move(what)] { session.chosen = what; });
    return command;
  };
  CLI::App* pause = add("pause", "Intake takes no more commands; what is in flight goes on",
                        [&session, flags] { return set(session, *flags, true); });
  CLI::App* resume =
      add("resume", "Intake goes on", [&session, flags] { return set(session, *flags, false); });
  for (CLI::App* command : {pause, resume}) {
    add_dry_run(*command, session);
    command->add_flag("--wait", flags->wait, "Wait until every intake task does so");
  }
  CLI::App* drained = add("drain", "Pause, and wait until nothing is in flight, proven at offsets",
                          [&session, flags] { return drain(session, *flags); });
  add_danger_options(*drained, session);
  pipeline->add_subcommand("status", "What is wanted, and whether it is so")->callback([&session] {
    session.chosen = [&session] { return show(session); };
  });
}

}  // namespace kpay::ctl
