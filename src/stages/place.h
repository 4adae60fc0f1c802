// Place: the partition that a task has, and the keys that belong there (R10).
#pragma once

#include <cstdint>

#include "base/check.h"
#include "base/hash.h"

namespace kpay::stages {

class Place {
 public:
  /// REQUIRES: 0 <= partition < partitions.
  Place(std::int32_t partition, std::int32_t partitions)
      : partition_(partition), partitions_(partitions) {
    check(partition >= 0 && partition < partitions, "a task's partition is one of its topic's");
  }

  [[nodiscard]] bool has(ByteView key) const noexcept {
    return partition_of(key, partitions_) == partition_;
  }

 private:
  std::int32_t partition_;
  std::int32_t partitions_;
};

}  // namespace kpay::stages
