#include "daemons/ctl/kept_snapshots.h"

#include <nlohmann/json.hpp>

namespace kpay::ctl {

namespace {

using nlohmann::json;

template <class T>
T member(const json& object, const char* name, T otherwise) {
  const auto found = object.find(name);
  if (found == object.end()) {
    return otherwise;
  }
  if constexpr (std::is_same_v<T, std::string>) {
    return found->is_string() ? found->get<std::string>() : otherwise;
  } else {
    return found->is_number_integer() ? found->get<T>() : otherwise;
  }
}

ToldSnapshot snapshot_in(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_object()) {
    return {};  // at position 0: all is kept, rather than too little
  }
  return {member(*found, "position", std::int64_t{0}),
          member(*found, "checkpoint", std::uint64_t{0}),
          member(*found, "state_hash", std::string()),
          {member(*found, "taken_ms", std::int64_t{0})}};
}

}  // namespace

std::vector<ToldSnapshots> told_snapshots(const std::map<std::string, std::string>& statuses) {
  std::vector<ToldSnapshots> told;
  for (const auto& [instance, text] : statuses) {
    const json status = json::parse(text, nullptr, false);
    const auto list = status.is_object() ? status.find("snapshots") : status.end();
    if (!status.is_object() || list == status.end() || !list->is_array()) {
      continue;
    }
    for (const json& each : *list) {
      if (each.is_object()) {
        told.push_back({instance, member(each, "stage", std::string()),
                        member(each, "partition", std::int32_t{0}),
                        member(each, "count", std::uint64_t{0}), snapshot_in(each, "oldest"),
                        snapshot_in(each, "newest")});
      }
    }
  }
  return told;
}

}  // namespace kpay::ctl
