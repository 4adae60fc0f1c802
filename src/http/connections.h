// Connections: stay open from one request of a client to its next, by address, so that each costs
// neither a TLS handshake nor reading its files again.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace Poco::Net {
class HTTPClientSession;
}

namespace kpay::http {

/// Threads: any. Shared by the clients that use it.
class Connections {
 public:
  using Session = std::unique_ptr<Poco::Net::HTTPClientSession>;

  Connections();
  ~Connections();
  Connections(const Connections&) = delete;
  Connections& operator=(const Connections&) = delete;

  /// One to that address that nobody uses and that its server still has, as far as can be known; or
  /// null.
  Session take(const std::string& address);
  /// For the next one. REQUIRES: the answer before was read to its end.
  void give(const std::string& address, Session session);

 private:
  struct Idle {
    Session session;
    std::int64_t since_ms = 0;
  };

  std::mutex mutex_;  // guards what follows
  std::map<std::string, std::vector<Idle>> idle_;
};

}  // namespace kpay::http
