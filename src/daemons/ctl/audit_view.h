// What the conservation auditor says on ops.audit, as its readers understand it (docs/audit.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kpay::ctl {

inline constexpr const char* kAuditTopic = "ops.audit";
/// What an auditor said longer ago than this says nothing of now.
inline constexpr std::int64_t kStatementMsMax = 15'000;

struct AuditStatement {
  std::string json;   ///< as it stands on ops.audit; empty: none was told
  std::string state;  ///< "conserved", "broken", …
  std::int64_t at_ms = 0;
  std::int64_t as_of_ms = 0;  ///< what stood in the log then is audited

  [[nodiscard]] bool fresh(std::int64_t now_ms) const noexcept {
    return !json.empty() && now_ms - at_ms <= kStatementMsMax;
  }
};

/// Reads one; nothing when the bytes are none (a finding, or something else).
[[nodiscard]] std::optional<AuditStatement> parse_statement(std::string_view json);

}  // namespace kpay::ctl
