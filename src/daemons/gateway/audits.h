// Audits: follows ops.audit, and has the newest statement of the newest auditor (docs/audit.md).
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "daemons/ctl/audit_view.h"
#include "daemons/tool/connection.h"
#include "daemons/tool/sweep.h"

namespace kpay::gateway {

using ctl::AuditStatement;

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
