#include "http/connections.h"

#include <Poco/Net/HTTPClientSession.h>

#include "base/time.h"
#include "http/limits.h"

namespace kpay::http {

Connections::Connections() = default;
Connections::~Connections() = default;

Connections::Session Connections::take(const std::string& address) {
  const std::lock_guard lock(mutex_);
  std::vector<Idle>& idle = idle_[address];
  const std::int64_t since_ms = monotonic_ms() - limits::kept_connection_ms;
  std::erase_if(idle, [&](const Idle& each) { return each.since_ms < since_ms; });
  if (idle.empty()) {
    return nullptr;
  }
  Session session = std::move(idle.back().session);
  idle.pop_back();
  return session;
}

void Connections::give(const std::string& address, Session session) {
  const std::lock_guard lock(mutex_);
  std::vector<Idle>& idle = idle_[address];
  if (idle.size() < limits::kept_connections_max) {
    idle.push_back({std::move(session), monotonic_ms()});
  }
}

}  // namespace kpay::http
