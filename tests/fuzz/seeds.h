// Seeds: right inputs of every target, made by the encoders and from the golden files, so that
// mutation begins where decoding ends well.
#pragma once

#include <map>
#include <string>

#include "base/bytes.h"

namespace kpay::fuzz {

/// By "<target>/<file>" below tests/fuzz/corpus.
using Seeds = std::map<std::string, Bytes>;

[[nodiscard]] Seeds all_seeds();

}  // namespace kpay::fuzz
