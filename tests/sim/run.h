// Run: one seed, from an empty log to its verdict.
#pragma once

#include <functional>
#include <string>

#include "sim/coverage.h"

namespace kpay::sim {

class World;

struct RunOptions {
  std::uint64_t seed = 1;
  bool trace = false;
  bool operators = true;  ///< false: nobody operates, as the oracle wants it
  std::string dump;       ///< a folder for the raw topics, when the run is over; empty: none
};

struct RunResult {
  std::string wrong;  ///< empty when all is well
  Coverage coverage;
};

[[nodiscard]] RunResult run(const RunOptions& options);

/// Writes each partition's records as "<topic>-<partition>.records": per record offset 8, append
/// time 8, then key and value, each after its length 4; little-endian.
void dump(World& world, const std::string& folder);

}  // namespace kpay::sim
