// Specs: the five stages of kpay, as the runtime wants to know them.
//
// Tables, in order, with the text of their keys (docs/events.md has their fields):
//   intake      ids (id), expiry, expiry_ends (number), totals ("EUR")
//   account     accounts (account id), totals ("EUR")
//   settle      payments, commands, rejections (id), expiry, expiry_ends (number), totals ("EUR")
//   confirmed   days ("2026-11-22/EUR")
//   throughput  windows ("2026-11-22T16:53Z"), sweep (number)
#pragma once

#include <vector>

#include "stream/stage.h"

namespace kpay::stages {

inline constexpr const char* kTopicIncoming = "payments.incoming";
inline constexpr const char* kTopicInflight = "payments.inflight";
inline constexpr const char* kTopicComplete = "payments.complete";
inline constexpr const char* kTopicConfirmed = "payments.confirmed";
inline constexpr const char* kTopicFailed = "payments.failed";

/// Numbers of the stages as senders, for good.
inline constexpr std::uint16_t kIntake = 1;
inline constexpr std::uint16_t kAccount = 2;
inline constexpr std::uint16_t kSettle = 3;
inline constexpr std::uint16_t kConfirmed = 4;
inline constexpr std::uint16_t kThroughput = 5;

/// The logic that this build's core has, as the runtime compares it (R21).
[[nodiscard]] stream::Logic logic_of_build();

/// Commands of clients become debit legs, forwarded account commands, or refusals.
[[nodiscard]] stream::StageSpec intake_spec();
/// Legs and account commands become postings and outcomes.
[[nodiscard]] stream::StageSpec account_spec();
/// Outcomes become the final status of payments and commands.
[[nodiscard]] stream::StageSpec settle_spec();
/// Outcomes become public results and the day's totals.
[[nodiscard]] stream::StageSpec confirmed_spec();
/// Outcomes become windows of latency and value.
[[nodiscard]] stream::StageSpec throughput_spec();

/// All five, by number.
[[nodiscard]] std::vector<stream::StageSpec> all_specs();

}  // namespace kpay::stages
