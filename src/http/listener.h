// The socket that a server listens on: a port, with or without TLS, or a unix socket.
#pragma once

#include <memory>

#include "http/server.h"

namespace Poco::Net {
class ServerSocket;
class StreamSocket;
}  // namespace Poco::Net

namespace kpay::http {

class Line;
class TlsIdentity;

/// Errors: those of Server::start(). Without an identity: in the clear.
[[nodiscard]] Result<std::shared_ptr<Poco::Net::ServerSocket>> listen(const ServerOptions& options,
                                                                      const TlsIdentity* identity);

/// The same connection for a Broadcaster: a TLS one, which from now on is written to only.
[[nodiscard]] std::unique_ptr<Line> tls_line(const Poco::Net::StreamSocket& socket);

}  // namespace kpay::http
