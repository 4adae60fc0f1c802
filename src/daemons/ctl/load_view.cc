#include "daemons/ctl/load_view.h"

#include <array>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/ctl/http_tables.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::json;

std::string number_text(double number) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", number);
  return text.data();
}

constexpr double kRateDigit = 1e-6;  // of a status record's rate

// Empty when this instance does what is wanted.
std::string difference(const LoadInstance& each, const tool::LoadState& wanted, bool over) {
  if (wanted.running && !over) {
    return !each.generating ? (each.view.state.empty() ? "generates nothing yet" : each.view.state)
           : std::abs(each.rate - wanted.rate) > kRateDigit
               ? "still generates at " + number_text(each.rate)
               : "";
  }
  return each.generating ? "still generates" : "";
}

}  // namespace

std::optional<LoadInstance> parse_load_instance(const std::string& json) {
  std::optional<InstanceView> view = parse_status(json);
  if (!view || view->daemon != "kpay-load") {
    return std::nullopt;
  }
  const Json value = Json::parse(json, nullptr, false);
  LoadInstance instance;
  instance.view = std::move(*view);
  const auto found = value.find("load");
  const Json load = found != value.end() && found->is_object() ? *found : Json::object();
  const auto truth = [&load](const char* name) {
    const auto member = load.find(name);
    return member != load.end() && member->is_boolean() && member->get<bool>();
  };
  instance.allowed = truth("allowed");
  instance.generating = truth("generating");
  const auto rate = load.find("rate");
  instance.rate = rate != load.end() && rate->is_number() ? rate->get<double>() : 0;
  instance.load = load.dump();
  return instance;
}

Result<tool::LoadState> read_load(tool::Reached& reached) {
  Result<std::map<std::string, std::string>> values =
      read_compacted(*reached.reader, reached.topic(tool::kControlState));
  if (!values) {
    return Unexpected(values.error());
  }
  const auto found = values->find(tool::kLoadKey);
  return found == values->end() ? tool::LoadState{} : tool::parse_load_state(found->second);
}

Result<std::vector<LoadInstance>> read_load_instances(tool::Reached& reached) {
  Result<std::map<std::string, std::string>> values =
      read_compacted(*reached.reader, reached.topic(tool::kControlStatus));
  if (!values) {
    return Unexpected(values.error());
  }
  std::vector<LoadInstance> instances;
  for (const auto& [id, json] : *values) {
    if (std::optional<LoadInstance> instance = parse_load_instance(json)) {
      instances.push_back(std::move(*instance));
    }
  }
  return instances;
}

std::vector<LoadInstance> live(const std::vector<LoadInstance>& instances, std::int64_t now_ms) {
  std::vector<LoadInstance> all;
  std::vector<LoadInstance> allowed;
  for (const LoadInstance& each : instances) {
    if (each.view.phase != "stopped" && !each.view.stale(now_ms)) {
      all.push_back(each);
      if (each.allowed) {
        allowed.push_back(each);
      }
    }
  }
  return allowed.empty() ? all : allowed;
}

std::string missing_load(const std::vector<LoadInstance>& instances, const tool::LoadState& wanted,
                         std::int64_t now_ms) {
  const bool over = wanted.until_ms > 0 && wanted.until_ms <= now_ms;
  const std::vector<LoadInstance> alive = live(instances, now_ms);
  if (alive.empty() && wanted.running && !over) {
    return "no kpay-load serve is running";
  }
  std::string missing;
  for (const LoadInstance& each : alive) {
    if (const std::string why = difference(each, wanted, over); !why.empty()) {
      missing += (missing.empty() ? "" : ", ") + each.view.instance + " " + why;
    }
  }
  return missing;
}

std::string text_of(const tool::LoadState& state) {
  const std::string who =
      state.reason.empty() ? "" : ": " + state.reason + " (" + state.owner + ")";
  if (!state.running) {
    return "stopped" + who;
  }
  return number_text(state.rate) + " payments/s among " + std::to_string(state.mix.accounts) +
         " accounts " + state.mix.account_prefix + "1.. in " + state.mix.currency + ", " +
         (state.until_ms > 0 ? "until " + to_rfc3339(Timestamp{state.until_ms})
                             : "until it is stopped") +
         who;
}

}  // namespace kpay::ctl
