// Inputs: the events that a task has to take of its input, each once and in order, by a second,
// simpler reading of R8 than that of stream::Task.
#pragma once

#include <functional>

#include "sim/world.h"

namespace kpay::sim {

struct Input {
  std::int64_t offset = 0;
  std::uint32_t index = 0;
  bool whole = false;  ///< a record that isn't a frame which may stand there
  ByteView payload;
};

/// Gives each of them to `sink` until that returns something; says what it returned.
[[nodiscard]] std::string each_input(World& world, const Place& place,
                                     const std::function<std::string(const Input&)>& sink);

}  // namespace kpay::sim
