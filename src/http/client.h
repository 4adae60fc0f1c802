// Client: one HTTP request at a time to another process, for kpayctl, tests and the gateway.
//
// Each request has a connection of its own, or one that was kept (Connections). Any thread. An
// answer with an error status is an answer; an Error means that there was none.
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "http/connections.h"

namespace kpay::http {

struct ClientOptions {
  std::string ca_file{};           ///< signs the server's certificate; empty: the system's own CAs
  std::string certificate_file{};  ///< this client's, with its key; both or neither
  std::string key_file{};
  std::string unix_socket{};  ///< a path: http:// URLs are asked there, whatever their host
  /// Keeps the connections of GET requests open between them. Null: each has its own.
  std::shared_ptr<Connections> connections{};
};

struct ClientRequest {
  std::string method = "GET";
  std::string url{};  ///< http:// or https://
  std::string body{};
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::chrono::milliseconds timeout = std::chrono::seconds(5);  ///< for all of it
};

struct ClientResponse {
  int status = 0;
  std::string content_type;
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
};

class Client {
 public:
  explicit Client(ClientOptions options = {}) : options_(std::move(options)) {}

  /// Errors: invalid, when the URL or the certificate files are wrong; refused, when the TLS
  /// handshake fails on either side, or the unix socket isn't for this user; unavailable, when
  /// there is no answer in time or no server.
  [[nodiscard]] Result<ClientResponse> send(const ClientRequest& request) const;
  [[nodiscard]] Result<ClientResponse> get(const std::string& url,
                                           std::chrono::milliseconds timeout) const;

 private:
  ClientOptions options_;
};

}  // namespace kpay::http
