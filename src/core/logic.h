// What this build calls its logic (R21), and the rules that another version may have otherwise.
//
// A rule that is read from kLogic is the same for all of a build, and still no constant of the code
// around it: so a test links a daemon with the next version in its place (tests/logic), and nothing
// of that is in what is shipped.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/hash.h"
#include "core/limits.h"

namespace kpay::core {

struct Logic {
  /// Changes exactly when tests/golden/core_transcript.txt does; only ever one higher. Going back
  /// to what a former version did is a new version, too (docs/decisions/0010-logic-versions.md).
  std::uint32_t version;
  /// Of that transcript, without its first line.
  Hash128 rules_hash;
  /// The longest reference of a payment that is accepted, in bytes; at most kReferenceMax.
  std::size_t reference_max;
};

/// Of this source.
inline constexpr Logic kSourceLogic{
    kLogicVersion, {0xdc0a5e0970925389, 0x847be20ea2d54383}, kReferenceMax};

/// Of this binary.
extern const Logic kLogic;

}  // namespace kpay::core
