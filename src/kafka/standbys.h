// Standbys: which partitions an instance follows, so that it can go on with them at once when
// another instance is lost (R18).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace kpay::kafka {

/// A member of a stage's group, as the brokers tell it.
struct GroupMember {
  std::string instance;
  std::vector<std::int32_t> partitions;
};

/// The partitions that `instance` would get if any one of the other members were lost, beyond
/// those that it has: the range assignor gives the rest, in the order in which they are now, new
/// ranges. Nobody asks or agrees: each instance finds the same from the same list.
/// Empty when the instance is no member, or the partitions aren't all given out.
[[nodiscard]] std::vector<std::int32_t> standby_partitions(std::vector<GroupMember> members,
                                                           const std::string& instance,
                                                           std::int32_t partitions);

}  // namespace kpay::kafka
