// Audits: follows ops.audit, and has the newest statement of the newest auditor (docs/audit.md).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"

namespace kpay::gateway {

struct AuditStatement {
  std::string json;   ///< as it stands on ops.audit; empty: none was told
  std::string state;  ///< "conserved", "broken", …
  std::int64_t at_ms = 0;
  std::int64_t as_of_ms = 0;  ///< what stood in the log then is audited
};

/// Reads one; nothing when the bytes are none (a finding, or something else).
[[nodiscard]] std::optional<AuditStatement> parse_statement(std::string_view json);

/// What the books light is, by what two looks at the tables say ("balanced", "moving", …) and by
/// what the auditor said last.
[[nodiscard]] std::string light_of(const std::string& looks, const AuditStatement& audit,
                                   std::int64_t now_ms);

/// Threads: any.
class Audits {
 public:
  static Result<std::unique_ptr<Audits>> start(const tool::Reached& reached,
                                               std::function<void(const Error&)> failed);
  ~Audits();
  Audits(const Audits&) = delete;
  Audits& operator=(const Audits&) = delete;

  [[nodiscard]] AuditStatement newest() const;

 private:
  Audits() = default;
  void run(const std::function<void(const Error&)>& failed);
  void take(const stream::LogRecord& record);

  mutable std::mutex mutex_;
  AuditStatement newest_;
  std::unique_ptr<tool::Sweep> sweep_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace kpay::gateway
