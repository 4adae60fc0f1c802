// Logic: which rules decide (R21). Two builds of equal logic decide alike.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/hash.h"

namespace kpay::stream {

/// The version only grows, one at a time, at a switch record. The hash is of what that version
/// does, so that two builds that both call themselves the next version can be told apart.
struct Logic {
  std::uint32_t version = 0;
  Hash128 rules_hash;

  friend bool operator==(const Logic&, const Logic&) = default;
};

inline void put(ByteWriter& out, const Logic& logic) {
  out.put(logic.version);
  put(out, logic.rules_hash);
}

[[nodiscard]] inline Logic get_logic(ByteReader& in) {
  Logic logic;
  logic.version = in.get<std::uint32_t>();
  logic.rules_hash = get_hash128(in);
  return logic;
}

}  // namespace kpay::stream
