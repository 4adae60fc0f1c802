// Audits: follows ops.audit, and has the newest statement of the newest auditor, and the newest of
// what people did (docs/audit.md).
#pragma once

#include <atomic>
#include <deque>
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

struct TakenAction {
  std::string who;
  std::string action;
  std::string json;
};
/// Reads what docs/audit.md calls an action; nothing when the bytes are none.
[[nodiscard]] std::optional<TakenAction> parse_action(std::string_view json);

/// Threads: any.
class Audits {
 public:
  static Result<std::unique_ptr<Audits>> start(const tool::Reached& reached,
                                               std::function<void(const Error&)> failed);
  ~Audits();
  Audits(const Audits&) = delete;
  Audits& operator=(const Audits&) = delete;

  [[nodiscard]] AuditStatement newest() const;
  /// The newest actions, newest first: of one who did them, and of one kind, unless empty.
  [[nodiscard]] std::vector<std::string> actions(std::string_view who, std::string_view action,
                                                 std::size_t limit) const;

 private:
  Audits() = default;
  void run(const std::function<void(const Error&)>& failed);
  void take(const stream::LogRecord& record);

  mutable std::mutex mutex_;
  AuditStatement newest_;
  std::deque<TakenAction> actions_;  // newest last
  std::unique_ptr<tool::Sweep> sweep_;
  std::atomic<bool> stopping_ = false;
  std::thread thread_;
};

}  // namespace kpay::gateway
