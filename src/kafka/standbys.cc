#include "kafka/standbys.h"

#include <algorithm>
#include <set>

namespace kpay::kafka {

namespace {

// The range of the member at `place` of `count`: the first ones have one more.
std::pair<std::int32_t, std::int32_t> range_of(std::int32_t place, std::int32_t count,
                                               std::int32_t partitions) {
  const std::int32_t each = partitions / count;
  const std::int32_t more = partitions % count;
  const std::int32_t begin = place * each + std::min(place, more);
  return {begin, begin + each + (place < more ? 1 : 0)};
}

std::int32_t first_of(const GroupMember& member) {
  return *std::min_element(member.partitions.begin(), member.partitions.end());
}

}  // namespace

std::vector<std::int32_t> standby_partitions(std::vector<GroupMember> members,
                                             const std::string& instance, std::int32_t partitions) {
  // Who has nothing now is last in the assignor's order, and gets nothing while nobody is lost.
  std::vector<GroupMember> idle;
  std::size_t given = 0;
  for (const GroupMember& member : members) {
    given += member.partitions.size();
    if (member.partitions.empty()) {
      idle.push_back(member);
    }
  }
  std::erase_if(members, [](const GroupMember& member) { return member.partitions.empty(); });
  if (given != static_cast<std::size_t>(partitions)) {
    return {};
  }
  std::sort(members.begin(), members.end(),
            [](const GroupMember& a, const GroupMember& b) { return first_of(a) < first_of(b); });
  std::sort(idle.begin(), idle.end(),
            [](const GroupMember& a, const GroupMember& b) { return a.instance < b.instance; });
  members.insert(members.end(), idle.begin(), idle.end());
  const auto own = std::find_if(members.begin(), members.end(), [&](const GroupMember& member) {
    return member.instance == instance;
  });
  if (own == members.end()) {
    return {};
  }
  const auto place = static_cast<std::int32_t>(own - members.begin());
  const auto count = static_cast<std::int32_t>(members.size());
  std::set<std::int32_t> found;
  for (std::int32_t lost = 0; lost < count; ++lost) {
    if (lost != place) {
      const auto [begin, end] = range_of(lost < place ? place - 1 : place, count - 1, partitions);
      for (std::int32_t partition = begin; partition < end; ++partition) {
        found.insert(partition);
      }
    }
  }
  for (const std::int32_t partition : own->partitions) {
    found.erase(partition);
  }
  return {found.begin(), found.end()};
}

}  // namespace kpay::kafka
