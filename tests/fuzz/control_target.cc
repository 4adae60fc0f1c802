// Records of the control topics, as the gateway and kpayctl read them, and what they show of them.
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "daemons/ctl/http_tables.h"
#include "daemons/ctl/load_view.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/requests.h"
#include "daemons/gateway/view.h"
#include "fuzz/target.h"
#include "stages/specs.h"

namespace kpay::fuzz {

namespace {

constexpr std::int64_t kNow = 1'795'366'435'000;
constexpr std::int32_t kPartitions = 3;

// One record a line: 's' (control.state), 't' (control.status) or 'm' (metadata), the key, a tab,
// and the value.
gateway::Seen seen_in(std::string_view text) {
  gateway::Seen seen;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    const std::size_t tab = line.find('\t');
    if (line.empty() || tab == std::string_view::npos) {
      continue;
    }
    std::map<std::string, std::string>& topic = line.front() == 's'   ? seen.state
                                                : line.front() == 't' ? seen.status
                                                                      : seen.metadata;
    const std::string value(line.substr(tab + 1));
    topic[std::string(line.substr(1, tab - 1))] = value;
    if (line.front() == 't') {
      gateway::note_paces(seen.paces, value);
    }
  }
  return seen;
}

void check_states(const gateway::Seen& seen) {
  for (const gateway::LetterRequest& request : gateway::requests_in(seen.state)) {
    const std::string value = to_json(request);
    const auto again = gateway::parse_request(key_of(request), value);
    check(value.size() > gateway::limits::request_bytes_max || (again && to_json(*again) == value),
          "a request that is written can be read");
  }
  for (const auto& [key, value] : seen.state) {
    if (const std::optional<ctl::PipelineState> state = ctl::parse_pipeline(value)) {
      const auto again = ctl::parse_pipeline(to_json(*state));
      check(again && again->paused == state->paused && again->reason == state->reason &&
                again->owner == state->owner && again->at_ms == state->at_ms,
            "a state of the pipeline that is written can be read");
    }
    const Result<tool::LoadState> load = tool::parse_load_state(value);
    check(load || !load.error().message.empty(), "a load that is refused says why");
    if (load) {
      const Result<tool::LoadState> again = tool::parse_load_state(to_json(*load));
      check(again && same_load(*again, *load), "a load that is written can be read");
      check(!ctl::text_of(*load).empty(), "a load has a text");
    }
  }
}

void check_metadata(const gateway::Seen& seen) {
  const ctl::HttpTables tables = ctl::HttpTables::of({}, seen.metadata, kPartitions);
  for (const stream::StageSpec& spec : stages::all_specs()) {
    std::size_t served = 0;
    for (const ctl::Instance& instance : tables.serving(spec.name)) {
      served += instance.stages.at(spec.name).size();
    }
    check(served + tables.unserved(spec.name).size() == kPartitions,
          "each partition is served once or by nobody");
  }
}

void check_json(const std::string& text) {
  check(nlohmann::json::accept(text), "what is shown is JSON");
}

}  // namespace

void run_control(ByteView input) {
  const gateway::Seen seen = seen_in(as_text(input));
  check_states(seen);
  check_metadata(seen);
  gateway::Overall overall;
  check_json(gateway::stages_json(seen, kPartitions, kNow, overall));
  check_json(gateway::instances_json(seen, kNow));
  check_json(gateway::load_json(seen, kNow));
  check_json(gateway::control_json(seen, kPartitions, kNow));
  check(overall.lag >= 0, "a lag is never negative");
}

}  // namespace kpay::fuzz
