// Pipeline: what everything does now; its pause, drain and resume.
#include "base/time.h"
#include "daemons/ctl/drain_proof.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

constexpr const char* kPipelineKey = "pipeline";
constexpr std::chrono::milliseconds kProofLook{250};

http::Response get(Live& live, const http::Request&) {
  std::string snapshot = live.watcher().snapshot();
  if (snapshot.empty()) {
    return to_response({.code = Code::cluster_unavailable, .detail = "Nothing was seen yet."});
  }
  snapshot.pop_back();  // its last brace
  return http::json_response(snapshot + ",\"series\":" + live.watcher().series() + "}");
}

ctl::PipelineState wanted(Live& live) {
  const std::string json = live.feed().state_of(kPipelineKey);
  return ctl::parse_pipeline(json).value_or(ctl::PipelineState{});
}

// The state as it is: drained with its proof, or why not.
std::string proof_json(Live& live, bool* drained = nullptr) {
  const ctl::PipelineState state = wanted(live);
  const std::vector<ctl::InstanceView> instances = instances_of(live.feed().seen());
  ctl::ShownBooks books;
  const std::string missing =
      state.paused ? ctl::not_drained(live.watcher().tables(), live.partitions(), instances, books)
                   : "the pipeline is running";
  http::JsonObject json;
  json.add("desired", state.paused ? "paused" : "running")
      .add("reason", state.reason)
      .add("owner", state.owner)
      .add("at_ms", state.at_ms)
      .add("drained", missing.empty())
      .add("missing", missing)
      .add("as_of_ms", wall_clock_now().ms);
  if (missing.empty()) {
    http::JsonObject in_flight;
    for (const auto& [currency, each] : books.currencies) {
      in_flight.add_json(currency, tally_json(currency, static_cast<std::uint64_t>(each.in_flight),
                                              each.in_flight_value));
    }
    json.add_json("intake", ctl::positions_json(instances, "intake"))
        .add_json("settle", ctl::positions_json(instances, "settle"))
        .add_json("in_flight", in_flight.finish());
  }
  if (drained != nullptr) {
    *drained = missing.empty();
  }
  return json.finish();
}

http::Response get_proof(Live& live, const http::Request&) {
  return http::json_response(proof_json(live));
}

struct Change {
  std::string reason;
  std::int64_t wait_s = 0;
  std::optional<Problem> problem;
};

Change read_change(const http::Request& request) {
  Change change;
  change.wait_s = wait_seconds(request, change.problem);
  if (change.problem) {
    return change;
  }
  Form form(request.body);
  change.reason = form.text("reason", limits::reason_bytes_max);
  change.problem = form.problem();
  return change;
}

// Writes what is wanted; gives whether that changes what was seen. Written even if it doesn't: what
// is seen can be older than what was just written, and a resume that is left out is a standstill.
Result<bool> want(Live& live, bool paused, const Change& change, const http::Request& request) {
  const bool changed = wanted(live).paused != paused;
  Result<void> written = live.write_state(
      kPipelineKey, ctl::to_json({paused, change.reason, owner_of(request), wall_clock_now().ms}));
  return written ? Result<bool>(changed) : Unexpected(written.error());
}

http::Response drain(Live& live, const http::Request& request) {
  const Change change = read_change(request);
  if (change.problem) {
    return to_response(*change.problem);
  }
  const Result<bool> changed = want(live, true, change, request);
  if (!changed) {
    return to_response(problem_of(changed.error()));
  }
  const std::int64_t deadline = monotonic_ms() + change.wait_s * 1000;
  bool drained = false;
  std::string proof = proof_json(live, &drained);
  while (!drained && monotonic_ms() < deadline) {
    std::this_thread::sleep_for(kProofLook);
    proof = proof_json(live, &drained);
  }
  proof.pop_back();
  proof += std::string(",\"changed\":") + (*changed ? "true" : "false") + "}";
  http::Response response = http::json_response(std::move(proof), drained ? 200 : 202);
  response.headers.emplace_back("Location", "/api/v1/pipeline/drain");
  return response;
}

// Until every intake task is as it is wanted, or the wait is over.
http::Response set(Live& live, const http::Request& request, bool paused) {
  const Change change = read_change(request);
  if (change.problem) {
    return to_response(*change.problem);
  }
  const Result<bool> changed = want(live, paused, change, request);
  if (!changed) {
    return to_response(problem_of(changed.error()));
  }
  const auto missing = [&]() -> Result<std::string> {
    return ctl::missing_tasks(instances_of(live.feed().seen()), "intake", live.partitions(), paused,
                              wall_clock_now().ms);
  };
  const Result<std::string> left = ctl::wait_for(monotonic_ms() + change.wait_s * 1000, missing);
  if (!left) {
    return to_response(problem_of(left.error()));
  }
  return http::json_response(http::JsonObject()
                                 .add("desired", paused ? "paused" : "running")
                                 .add("changed", *changed)
                                 .add("reached", left->empty())
                                 .add("missing", *left)
                                 .finish(),
                             left->empty() ? 200 : 202);
}

http::Response pause(Live& live, const http::Request& request) { return set(live, request, true); }
http::Response resume(Live& live, const http::Request& request) {
  return set(live, request, false);
}

}  // namespace

void add_pipeline_api(http::Router& router, const ApiParts& parts) {
  add_read(router, parts, "/pipeline", get);
  add_read(router, parts, "/pipeline/drain", get_proof);
  add_write(router, parts, "/pipeline:pause", pause);
  add_write(router, parts, "/pipeline:drain", drain);
  add_write(router, parts, "/pipeline:resume", resume);
}

}  // namespace kpay::gateway
