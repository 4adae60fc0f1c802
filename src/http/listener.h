// Listener: the socket that a server listens on, a port, with or without TLS, or a unix socket.
#pragma once

#include <cstdint>
#include <memory>

#include "http/server.h"

namespace Poco::Net {
class ServerSocket;
}  // namespace Poco::Net

namespace kpay::http {

class Session;
class TlsIdentity;

class Listener {
 public:
  /// Errors: those of Server::start(). Without an identity: in the clear. REQUIRES: the identity
  /// outlives it and its connections.
  [[nodiscard]] static Result<std::unique_ptr<Listener>> open(const ServerOptions& options,
                                                              const TlsIdentity* identity);
  /// Closes the socket.
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  /// Readable while somebody wants to connect.
  [[nodiscard]] int fd() const;
  /// 0 on a unix socket.
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// The next connection; null when there can't be one: there are no descriptors left, mostly.
  [[nodiscard]] std::unique_ptr<Session> accept();

 private:
  Listener(const Poco::Net::ServerSocket& socket, std::uint16_t port);

  std::unique_ptr<Poco::Net::ServerSocket> socket_;
  std::uint16_t port_;
};

}  // namespace kpay::http
