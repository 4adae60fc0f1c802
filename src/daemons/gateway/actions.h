// ActionLog: writes what people and machines did to ops.audit: who, what, from where, why, and how
// it ended (docs/audit.md).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "daemons/tool/connection.h"
#include "kafka/plain_producer.h"
#include "telemetry/telemetry.h"

namespace kpay::gateway {

struct Action {
  std::int64_t at_ms = 0;
  std::string action{};  ///< an operationId, or "access.changed"
  std::string who{};     ///< a user, "token NAME", "anyone"; of a login: the name that was tried
  std::string roles{};
  std::string from{};    ///< the peer's address
  std::string target{};  ///< the request's path
  std::string reason{};
  std::string result{};  ///< done, refused, denied, failed
  int status = 0;        ///< of the answer; 0: it was no request
};

[[nodiscard]] std::string to_json(const Action& action, const std::string& gateway);
/// "done" for 200, "denied" for 401, 403 and 429, "refused" for other 4xx, "failed" for the rest.
[[nodiscard]] std::string result_of(int status);

/// Threads: any.
class ActionLog {
 public:
  ActionLog(std::string gateway, telemetry::Telemetry& telemetry)
      : gateway_(std::move(gateway)), telemetry_(telemetry) {}

  /// From now on there is a cluster; what was noted before is written.
  Result<void> connect(const tool::Reached& reached);
  /// Waits until it is there, or for limits::acknowledge_ms_max; what isn't is kept, and written
  /// with the next.
  void note(Action action);
  /// False when so much is kept that no more may happen.
  [[nodiscard]] bool has_room() const;

 private:
  void write_kept();

  const std::string gateway_;
  telemetry::Telemetry& telemetry_;
  mutable std::mutex mutex_;  // guards what follows
  std::string topic_;
  std::int32_t partition_ = 0;
  kafka::ClientOptions client_;
  std::unique_ptr<kafka::PlainProducer> producer_;
  std::deque<std::string> kept_;
};

}  // namespace kpay::gateway
