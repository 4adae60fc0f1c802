// The limits of the payments core, by name; horizon.h has those that a day decides. Those that
// change an outcome belong to the logic version: change one, and the golden transcript changes,
// and so does kLogicVersion (R21).
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::core {

/// Changes exactly when tests/golden/core_transcript.txt does.
inline constexpr std::uint32_t kLogicVersion = 1;

/// The largest amount of one payment, deposit or opening balance, in minor units.
inline constexpr std::int64_t kAmountMax = 1'000'000'000'000'000;
/// The largest balance of an account, in minor units. Suspense accounts have no limit (R25).
inline constexpr std::int64_t kBalanceMax = 9'000'000'000'000'000'000;
/// The longest account id, in characters: that of an IBAN.
inline constexpr std::size_t kAccountIdMax = 34;
/// The longest reference text, in bytes.
inline constexpr std::size_t kReferenceMax = 140;
/// The largest legal event of any kind, in bytes (R13).
inline constexpr std::size_t kEventBytesMax = 8 * 1024;

}  // namespace kpay::core
