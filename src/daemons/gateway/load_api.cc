// Load: what is wanted of `kpay-load serve`, and what it does.
#include <algorithm>

#include "base/time.h"
#include "daemons/ctl/load_view.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

constexpr std::int64_t kDurationMax = 7 * 24 * 3600;
constexpr std::size_t kPrefixBytes = 24;

http::Response get(Live& live, const http::Request&) {
  return http::json_response(load_json(live.feed().seen(), wall_clock_now().ms));
}

// The generator refuses by itself where load is locked; this says so before anything is written.
std::optional<Problem> locked(Live& live, std::int64_t now_ms) {
  std::vector<ctl::LoadInstance> instances;
  for (const auto& [id, json] : live.feed().seen().status) {
    if (std::optional<ctl::LoadInstance> each = ctl::parse_load_instance(json)) {
      instances.push_back(std::move(*each));
    }
  }
  const std::vector<ctl::LoadInstance> alive = ctl::live(instances, now_ms);
  if (std::any_of(alive.begin(), alive.end(),
                  [](const ctl::LoadInstance& each) { return each.allowed; })) {
    return std::nullopt;
  }
  return Problem{.code = Code::load_locked,
                 .detail = alive.empty() ? "No kpay-load serve is running."
                                         : alive.front().view.instance +
                                               " is locked: load is not allowed on this system.",
                 .expected = "kpay-load serve --allow-load, where a system may be loaded"};
}

http::Response write(Live& live, tool::LoadState after) {
  const std::int64_t now_ms = wall_clock_now().ms;
  after.at_ms = now_ms;
  after.until_ms += after.until_ms > 0 ? now_ms : 0;  // it was a length of time
  if (Result<void> written = live.write_state(tool::kLoadKey, to_json(after)); !written) {
    return to_response(problem_of(written.error()));
  }
  return http::json_response(load_json(live.feed().seen(), now_ms), 202);
}

http::Response start(Live& live, const http::Request& request) {
  Form form(request.body);
  tool::LoadState after;
  after.running = true;
  after.rate = form.rate("rate", std::nullopt, tool::kRateMin, tool::kRateMax);
  after.mix.accounts =
      static_cast<std::uint32_t>(form.number("accounts", 0, 2, tool::kAccountsMax));
  if (std::string prefix = form.optional_text("account_prefix", kPrefixBytes); !prefix.empty()) {
    after.mix.account_prefix = std::move(prefix);
  }
  if (std::string currency = form.optional_text("currency", 3); !currency.empty()) {
    after.mix.currency = std::move(currency);
  }
  if (std::string amount = form.optional_text("amount_max", 32); !amount.empty()) {
    after.mix.amount_max = std::move(amount);
  }
  if (std::string how = form.optional_text("distribution", 16); !how.empty()) {
    after.mix.distribution = std::move(how);
  }
  after.mix.bad_share = form.rate("bad_share", 0.0, 0.0, 1.0);
  after.until_ms = 1000 * form.number("duration_s", 0, 1, kDurationMax);
  after.reason = form.text("reason", limits::reason_bytes_max);
  after.owner = owner_of(request);
  if (after.mix.accounts == 0) {
    form.refuse({.code = Code::field_missing,
                 .detail = "accounts is missing.",
                 .field = "accounts",
                 .expected = "how many accounts pay each other, from 2 on"});
  }
  std::optional<Problem> problem = form.problem();
  if (const Result<tool::MixPlan> plan = tool::plan_mix(after.mix); !problem && !plan) {
    problem = Problem{.code = Code::field_invalid, .detail = plan.error().message};
  }
  problem = problem ? problem : locked(live, wall_clock_now().ms);
  return problem ? to_response(*problem) : write(live, after);
}

http::Response stop(Live& live, const http::Request& request) {
  Form form(request.body);
  tool::LoadState after;
  after.reason = form.text("reason", limits::reason_bytes_max);
  after.owner = owner_of(request);
  const std::optional<Problem> problem = form.problem();
  return problem ? to_response(*problem) : write(live, after);
}

}  // namespace

void add_load_api(http::Router& router, const ApiParts& parts) {
  add_read(router, parts, "/load", get);
  add_write(router, parts, "/load:start", start);
  add_write(router, parts, "/load:stop", stop);
}

}  // namespace kpay::gateway
