// generate: a file of payments as CSV, with bad ones of known kinds spread evenly among them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "daemons/load/payment_mix.h"

namespace kpay::load {

struct GenerateFlags {
  std::uint64_t count = 100'000;
  std::uint64_t bad = 0;  ///< of the count
  tool::MixFlags mix;
};

/// Gives header and lines, in pieces, to `out`, which returns false when it can take no more.
/// Returns how many there are of each kind. Errors: invalid (a flag), io (`out` said no).
[[nodiscard]] Result<std::map<std::string, std::uint64_t>> generate(
    const GenerateFlags& flags, const std::function<bool(std::string_view)>& out);

}  // namespace kpay::load
