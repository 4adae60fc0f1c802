// Report: what the auditor says at one moment, as the daemon shows it: JSON, and plain values.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "audit/auditor.h"

namespace kpay::journal {

/// "catching_up": not everything that stood in the log at any time since the start was audited;
/// "conserved": sums are right and nothing was found; "behind": the same, but of some time ago;
/// "broken": a sum is wrong, or something was found; "unproven": what the books begin with is gone.
enum class State : std::uint8_t { catching_up, conserved, behind, broken, unproven };
[[nodiscard]] const char* to_string(State state) noexcept;

/// A statement older than this is "behind".
inline constexpr std::int64_t kBehindMs = 5'000;

struct Row {
  std::string key;
  std::string json;
};

struct Report {
  State state = State::catching_up;
  std::string reason;     ///< in words, when it is not conserved
  std::string statement;  ///< the JSON of ops.audit (docs/audit.md)
  std::vector<Row> currencies;
  std::vector<Row> findings;
  std::int64_t behind_records = 0;
  bool caught_up = false;  ///< at least once since the start
};

struct Described {
  const audit::Auditor* auditor = nullptr;
  std::string instance;
  std::string unproven;                  ///< why nothing can be proven; or empty
  const audit::Offsets* kept = nullptr;  ///< where a start would go on; null: at the beginning
  Timestamp now;
};

[[nodiscard]] Report report_of(const Described& described);
[[nodiscard]] std::string finding_json(const audit::Finding& finding);

}  // namespace kpay::journal
