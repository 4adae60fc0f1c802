// Checker: what can be found wrong with a run, by name. docs/trust.md, "Checkers", says what each
// demands, who else looks at it, and what it was shown to find.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace kpay::sim {

enum class Checker : std::uint8_t {
  total,
  negative,
  duplicate_effect,
  lost_ack,
  order_per_account,
  saga_balanced,
  dlq_complete,
  idempotent_answer,
  hash_chain,
  state_is_replay,
  torn,
  stuck,
  bounded_recovery,
  count_
};

inline constexpr std::array<const char*, static_cast<std::size_t>(Checker::count_)> kCheckers{
    "total",         "negative",     "duplicate-effect",  "lost-ack",   "order-per-account",
    "saga-balanced", "dlq-complete", "idempotent-answer", "hash-chain", "state==replay",
    "torn",          "stuck",        "bounded-recovery"};
static_assert(kCheckers.back() != nullptr, "each has its name");

/// Every verdict begins with the name of its checker.
[[nodiscard]] inline std::string verdict(Checker checker, const std::string& what) {
  return std::string(kCheckers[static_cast<std::size_t>(checker)]) + ": " + what;
}

}  // namespace kpay::sim
