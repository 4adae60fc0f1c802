// Server: answers HTTP/1.1 requests on one address by the handlers of a Router.
//
// The address is a host with a port, or a unix socket (mode 0660: root and the group), where the
// peer's user stands as "uid N" in Request::principal.
//
// A connection has a thread (of limits::threads) only while one of its requests is answered, so
// handlers run concurrently; while it is silent, or in the middle of a request, it is parked. At
// the limit of connections the one that has been silent longest goes first. A request that breaks
// a limit gets a problem document and its connection is closed: 400, 408,
// 411 (bodies need a Content-Length), 413, 431. Unknown paths are 404, known ones with another
// method 405 with Allow. With TLS (1.2 or newer) and a client CA, clients without a certificate
// of it don't get past the handshake.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "http/limits.h"
#include "http/router.h"

namespace kpay::telemetry {
class Telemetry;
}

namespace kpay::http {

struct ServerTls {
  std::string certificate_file;  ///< the chain, PEM
  std::string key_file;
  std::string client_ca_file;  ///< empty: clients need no certificate
};

struct ServerOptions {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;        ///< 0: a free one
  std::string unix_socket = {};  ///< a path; then host, port and tls don't count
  std::optional<ServerTls> tls{};
  std::size_t threads = limits::threads;  ///< handlers at a time; they are made as they are needed
  std::size_t connections_max = limits::connections_max;
  std::size_t body_bytes_max = limits::body_bytes_max;
  std::int64_t request_ms_max = limits::request_ms_max;
  std::int64_t receive_ms_max = limits::receive_ms_max;
  /// Gets kpay_http_* metrics and HttpRequestRefused; must outlive the server. May be null.
  telemetry::Telemetry* telemetry = nullptr;
};

class Server {
 public:
  /// Listens and serves from now on. Errors: unavailable, when the address can't be had; invalid,
  /// when it or the TLS files are wrong; conflict, when somebody answers on the unix socket (one
  /// that a dead process left is replaced).
  [[nodiscard]] static Result<std::unique_ptr<Server>> start(ServerOptions options, Router router);

  /// Stops, then waits for handlers that are still at work.
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;

  /// Reads certificate and key again when their files have changed; true, when new connections
  /// have them from now on. Errors: invalid, told once; then those before hold on. Threads: one.
  Result<bool> refresh_tls();

  /// Takes no more connections, lets requests in hand finish for limits::stop_ms_max, then cuts
  /// their connections. Returns within a second; true when every request was finished.
  bool stop();

 private:
  class Impl;

  explicit Server(std::unique_ptr<Impl> impl);

  std::unique_ptr<Impl> impl_;
};

}  // namespace kpay::http
