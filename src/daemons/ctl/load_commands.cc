#include <CLI/CLI.hpp>
#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/change.h"
#include "daemons/ctl/load_view.h"
#include "daemons/tool/duration.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

struct LoadFlags {
  tool::LoadState state;
  std::string duration;
  std::string reason;
  bool wait = false;
  int timeout_s = 60;
};

Json document(bool changed, const tool::LoadState& before, const tool::LoadState& after) {
  return {{"changed", changed},
          {"before", Json::parse(to_json(before))},
          {"after", Json::parse(to_json(after))}};
}

Result<std::string> not_at(tool::Reached& reached, const tool::LoadState& wanted) {
  Result<std::vector<LoadInstance>> instances = read_load_instances(reached);
  if (!instances) {
    return Unexpected(instances.error());
  }
  return missing_load(*instances, wanted, wall_clock_now().ms);
}

// The generator refuses by itself where load is locked; this says so before anything is written.
std::optional<Answer> locked(const std::vector<LoadInstance>& instances) {
  const std::vector<LoadInstance> alive = live(instances, wall_clock_now().ms);
  if (alive.empty() || std::any_of(alive.begin(), alive.end(),
                                   [](const LoadInstance& each) { return each.allowed; })) {
    return std::nullopt;
  }
  return failed(tool::Exit::refused, "locked",
                alive.front().view.instance +
                    " is locked: load is not allowed on this system; nothing was changed",
                "where it may be loaded, kpay-load serve runs with --allow-load");
}

// The answer, once the generators do what is wanted.
Result<Answer> await(tool::Reached& reached, int timeout_s, const tool::LoadState& wanted,
                     Answer answer) {
  const std::int64_t deadline = monotonic_ms() + 1000LL * timeout_s;
  Result<std::string> missing = wait_for(deadline, [&] { return not_at(reached, wanted); });
  if (!missing) {
    return Unexpected(missing.error());
  }
  if (!missing->empty()) {
    return failed(tool::Exit::timed_out, "timed_out",
                  "not so within " + std::to_string(timeout_s) + " s: " + *missing,
                  "what is wanted stands");
  }
  return answer;
}

// Its time counts from now: from when it is written, not from when it was typed.
void stamp(tool::LoadState& state, std::int64_t duration_ms) {
  state.at_ms = wall_clock_now().ms;
  state.until_ms = duration_ms > 0 ? state.at_ms + duration_ms : 0;
}

Result<Answer> set(const Session& session, const LoadFlags& flags, tool::LoadState after,
                   std::int64_t duration_ms) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<tool::LoadState> before = read_load(*reached);
  Result<std::vector<LoadInstance>> instances = read_load_instances(*reached);
  const bool readable = before || before.error().code != ErrorCode::invalid;
  if ((readable && !before) || !instances) {
    return Unexpected(instances ? before.error() : instances.error());
  }
  if (std::optional<Answer> refused = after.running ? locked(*instances) : std::nullopt) {
    return *refused;
  }
  const tool::LoadState was = before ? *before : tool::LoadState{};
  stamp(after, duration_ms);
  const bool changed = !readable || !same_load(was, after);
  if (changed && after.running && !session.dry_run) {
    if (std::optional<Answer> stop = ask(session, reached->connection, text_of(after))) {
      return *stop;
    }
    stamp(after, duration_ms);
  }
  Json json = document(changed, was, changed ? after : was);
  if (session.dry_run) {
    json["dry_run"] = true;
    return Answer{json.dump(),
                  (changed ? "would be: " : "it is so already: ") + text_of(after) + "\n"};
  }
  if (changed) {
    if (Result<void> written = write_state(*reached, tool::kLoadKey, to_json(after)); !written) {
      return Unexpected(written.error());
    }
  }
  Answer answer{json.dump(), text_of(after) + "\n", changed ? "" : "it was so already\n"};
  return flags.wait ? await(*reached, flags.timeout_s, after, std::move(answer)) : answer;
}

Result<Answer> start(const Session& session, const LoadFlags& flags) {
  tool::LoadState after = flags.state;
  after.running = true;
  after.reason = flags.reason;
  after.owner = operator_name();
  const Result<std::int64_t> duration =
      flags.duration.empty() ? Result<std::int64_t>(0) : tool::duration_ms(flags.duration);
  if (!duration) {
    return Unexpected(duration.error());
  }
  if (!flags.duration.empty() && *duration == 0) {
    return Unexpected(ErrorCode::invalid, "--duration has to be above 0, as 60s");
  }
  if (const Result<tool::MixPlan> plan = tool::plan_mix(after.mix); !plan) {
    return Unexpected(plan.error());
  }
  return set(session, flags, after, *duration);
}

Result<Answer> stop(const Session& session, const LoadFlags& flags) {
  tool::LoadState after;
  after.reason = flags.reason;
  after.owner = operator_name();
  return set(session, flags, after, 0);
}

Result<Answer> show(const Session& session) {
  Result<tool::Reached> reached = tool::reach_system(session.flags);
  if (!reached) {
    return Unexpected(reached.error());
  }
  Result<tool::LoadState> state = read_load(*reached);
  Result<std::vector<LoadInstance>> instances = read_load_instances(*reached);
  if (!state || !instances) {
    return Unexpected(state ? instances.error() : state.error());
  }
  const std::int64_t now_ms = wall_clock_now().ms;
  const std::string missing = missing_load(*instances, *state, now_ms);
  Json json = Json::parse(to_json(*state));
  json["reached"] = missing.empty();
  json["missing"] = missing;
  json["instances"] = Json::array();
  TextTable table({"INSTANCE", "PHASE", "RATE", "SENT", "CONFIRMED", "FAILED", "UNANSWERED",
                   "P50 MS", "P99 MS", "STATE"});
  for (const LoadInstance& each : *instances) {
    Json one{{"instance", each.view.instance},
             {"phase", each.view.phase},
             {"stale", each.view.stale(now_ms)},
             {"state", each.view.state},
             {"at_ms", each.view.at_ms}};
    const Json load = Json::parse(each.load);
    one["load"] = load;
    json["instances"].push_back(std::move(one));
    const auto number = [&load](const char* name) {
      return load.contains(name) ? load[name].dump() : std::string("-");
    };
    const Json latency = load.value("latency_ms", Json::object());
    table.add({each.view.instance, each.view.stale(now_ms) ? "STALE" : each.view.phase,
               number("rate"), number("sent"), number("confirmed"), number("failed_count"),
               number("unanswered"), latency.contains("p50") ? latency["p50"].dump() : "-",
               latency.contains("p99") ? latency["p99"].dump() : "-", each.view.state});
  }
  return Answer{json.dump(), text_of(*state) + "\n" + table.text(),
                missing.empty() ? "" : missing + "\n"};
}

}  // namespace

void add_load(CLI::App& app, Session& session) {
  CLI::App* load = app.add_subcommand("load", "Drive kpay-load serve: generated payments");
  load->require_subcommand(1);
  const auto flags = std::make_shared<LoadFlags>();
  CLI::App* begin =
      load->add_subcommand("start", "Generate payments at a rate, or change the load");
  begin->add_option("--rate", flags->state.rate, "Payments a second")
      ->required()
      ->check(CLI::Range(tool::kRateMin, tool::kRateMax));
  begin->add_option("--duration", flags->duration, "How long, as 60s [until it is stopped]");
  tool::add_mix_options(*begin, flags->state.mix);
  tool::add_bad_share_option(*begin, flags->state.mix);
  add_danger_options(*begin, session);
  CLI::App* end = load->add_subcommand("stop", "Generate no more; what was sent goes its way");
  add_dry_run(*end, session);
  for (CLI::App* command : {begin, end}) {
    command->add_option("--reason", flags->reason, "Why; everybody can read it")->required();
    command->add_flag("--wait", flags->wait, "Wait until the generator does so");
    command->add_option("--timeout", flags->timeout_s, "Seconds to wait; then exit 9 [60]")
        ->check(CLI::Range(1, 86'400));
  }
  begin->callback(
      [&session, flags] { session.chosen = [&session, flags] { return start(session, *flags); }; });
  end->callback(
      [&session, flags] { session.chosen = [&session, flags] { return stop(session, *flags); }; });
  load->add_subcommand("status", "What is wanted, and what the generator does")
      ->callback([&session] { session.chosen = [&session] { return show(session); }; });
}

}  // namespace kpay::ctl
