#include "daemons/tool/load_state.h"

#include <nlohmann/json.hpp>

namespace kpay::tool {

namespace {

using Json = nlohmann::json;

// Takes a member if it is there. Gives false when it is there and is of another kind.
bool take(const Json& json, const char* name, std::string& into) {
  const auto found = json.find(name);
  if (found == json.end()) {
    return true;
  }
  if (found->is_string()) {
    into = found->get<std::string>();
  }
  return found->is_string();
}

bool take(const Json& json, const char* name, double& into) {
  const auto found = json.find(name);
  if (found == json.end()) {
    return true;
  }
  if (found->is_number()) {
    into = found->get<double>();
  }
  return found->is_number();
}

template <std::integral T>
bool take(const Json& json, const char* name, T& into) {
  const auto found = json.find(name);
  if (found == json.end()) {
    return true;
  }
  const bool fits = found->is_number_unsigned() && std::in_range<T>(found->get<std::uint64_t>());
  if (fits) {
    into = static_cast<T>(found->get<std::uint64_t>());
  }
  return fits;
}

// The name of the first member of the wrong kind, with what would be right; or empty.
std::string take_mix(const Json& json, MixFlags& mix) {
  for (const auto& [name, member] :
       {std::pair("account_prefix", &MixFlags::account_prefix),
        std::pair("currency", &MixFlags::currency), std::pair("amount_max", &MixFlags::amount_max),
        std::pair("distribution", &MixFlags::distribution),
        std::pair("zipf_s", &MixFlags::zipf_s)}) {
    if (!take(json, name, mix.*member)) {
      return std::string(name) + " has to be text";
    }
  }
  if (!take(json, "accounts", mix.accounts)) {
    return "accounts has to be a whole number";
  }
  if (!take(json, "seed", mix.seed)) {
    return "seed has to be a whole number";
  }
  return take(json, "bad_share", mix.bad_share) ? "" : "bad_share has to be a number";
}

}  // namespace

bool same_load(const LoadState& a, const LoadState& b) {
  if (!a.running || !b.running) {
    return a.running == b.running;
  }
  return a.rate == b.rate && a.mix == b.mix && a.until_ms == b.until_ms;
}

std::string to_json(const LoadState& state) {
  nlohmann::ordered_json json{{"desired", state.running ? "running" : "stopped"}};
  if (state.running) {
    json["rate"] = state.rate;
    json["accounts"] = state.mix.accounts;
    json["account_prefix"] = state.mix.account_prefix;
    json["currency"] = state.mix.currency;
    json["amount_max"] = state.mix.amount_max;
    json["distribution"] = state.mix.distribution;
    json["zipf_s"] = state.mix.zipf_s;
    json["bad_share"] = state.mix.bad_share;
    json["seed"] = state.mix.seed;
    if (state.until_ms > 0) {
      json["until_ms"] = state.until_ms;
    }
  }
  json["reason"] = state.reason;
  json["owner"] = state.owner;
  json["at_ms"] = state.at_ms;
  return json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

Result<LoadState> parse_load_state(const std::string& json) {
  const Json value = Json::parse(json, nullptr, false);
  LoadState state;
  if (!value.is_object()) {
    return state;
  }
  std::string desired = "stopped";
  if (!take(value, "desired", desired) || (desired != "running" && desired != "stopped")) {
    return Unexpected(ErrorCode::invalid, "desired has to be running or stopped");
  }
  state.running = desired == "running";
  (void)take(value, "reason", state.reason);
  (void)take(value, "owner", state.owner);
  (void)take(value, "at_ms", state.at_ms);
  if (!state.running) {
    return state;
  }
  if (!take(value, "rate", state.rate) || !(state.rate >= kRateMin && state.rate <= kRateMax)) {
    return Unexpected(ErrorCode::invalid, "rate has to be from 0.001 to 10 million a second");
  }
  if (!take(value, "until_ms", state.until_ms)) {
    return Unexpected(ErrorCode::invalid, "until_ms has to be milliseconds since 1970");
  }
  if (const std::string wrong = take_mix(value, state.mix); !wrong.empty()) {
    return Unexpected(ErrorCode::invalid, wrong);
  }
  if (const Result<MixPlan> plan = plan_mix(state.mix); !plan) {
    return Unexpected(plan.error());
  }
  return state;
}

}  // namespace kpay::tool
