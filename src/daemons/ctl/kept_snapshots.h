// KeptSnapshots: which snapshots the instances keep, as control.status tells it. An instance that
// has stopped, or is gone, still keeps what it told last.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/time.h"

namespace kpay::ctl {

/// One snapshot, as an instance tells it.
struct ToldSnapshot {
  std::int64_t position = 0;
  std::uint64_t checkpoint = 0;
  std::string state_hash;
  Timestamp taken;
};

/// What an instance keeps of one task.
struct ToldSnapshots {
  std::string instance;
  std::string stage;
  std::int32_t partition = 0;
  std::uint64_t count = 0;
  ToldSnapshot oldest;
  ToldSnapshot newest;
};

/// Of the values of control.status by instance; what is no status, or tells none, is left out.
[[nodiscard]] std::vector<ToldSnapshots> told_snapshots(
    const std::map<std::string, std::string>& statuses);

}  // namespace kpay::ctl
