// Why a stage could not take an event at all: numbers of the closed list in docs/events.md (R24).
//
// The numbers below 100 are the runtime's own.
#pragma once

#include <cstdint>
#include <string_view>

namespace kpay::core {

inline constexpr std::uint16_t kDeadUndecodable = 100;     ///< not the bytes of such a message
inline constexpr std::uint16_t kDeadUnknownKind = 101;     ///< of a kind this version doesn't know
inline constexpr std::uint16_t kDeadInvalidField = 102;    ///< a field is missing or ill-formed
inline constexpr std::uint16_t kDeadWrongPartition = 103;  ///< its key belongs elsewhere (R10)

/// The name of a stage's reason, e.g. "undecodable"; "unknown" for any other number.
[[nodiscard]] constexpr std::string_view dead_letter_text(std::uint16_t reason) noexcept {
  switch (reason) {
    case kDeadUndecodable: return "undecodable";
    case kDeadUnknownKind: return "unknown_kind";
    case kDeadInvalidField: return "invalid_field";
    case kDeadWrongPartition: return "wrong_partition";
    default: return "unknown";
  }
}

}  // namespace kpay::core
