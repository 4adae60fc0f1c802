// How deep a JSON document is: to be asked before one of somebody else's is parsed, since the
// parser's library recurses when it copies and writes what it has read.
#pragma once

#include <string_view>

namespace kpay::http {

inline constexpr int kJsonDepthMax = 64;

/// False when arrays and objects stand more than kJsonDepthMax deep in each other.
[[nodiscard]] bool is_shallow_json(std::string_view text) noexcept;

}  // namespace kpay::http
