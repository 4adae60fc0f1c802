// Session: one connection of a server, plain or TLS, which never waits for what the peer sends.
//
// Each read takes what has come; `more` says that the rest is still on its way, and the same call
// goes on from there. Only send() and drain() wait. Threads: one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace Poco::Net {
class StreamSocket;
}  // namespace Poco::Net

namespace kpay::http {

class Line;

class Session {
 public:
  enum class Read { done, more, closed, too_large };

  /// REQUIRES: a connected socket, which is its own from now on.
  explicit Session(const Poco::Net::StreamSocket& socket);
  /// Closes the connection, without waiting.
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] int fd() const { return fd_; }
  /// The peer's address and port.
  [[nodiscard]] const std::string& remote() const { return remote_; }
  /// The common name of the peer's certificate, "uid N" on a unix socket, or empty.
  [[nodiscard]] std::string principal() const;

  /// The TLS handshake; done at once without TLS. Closed: `why` says what it failed at.
  [[nodiscard]] Read shake_hands(std::string& why);
  /// A request's head with the empty line behind it.
  [[nodiscard]] Read read_head(std::string& head);
  /// What is missing of a body of that size.
  [[nodiscard]] Read read_body(std::string& body, std::uint64_t size);

  /// Bytes that nobody has read are here already: the descriptor needn't be readable.
  [[nodiscard]] bool has_more() const;
  /// Of a head that is not whole.
  [[nodiscard]] std::size_t held() const { return in_.size(); }

  /// False when the connection is gone, the peer took nothing for `stuck_ms_max`, or too long.
  bool send(std::string_view text, std::int64_t stuck_ms_max);
  /// Sends no more, and reads and drops what comes for a moment.
  void drain(std::int64_t ms_max);
  /// The same connection for a Broadcaster; this one has none any more.
  [[nodiscard]] std::unique_ptr<Line> into_line();

 private:
  int receive(char* buffer, std::size_t size);
  bool wait(short events, std::int64_t ms_max) const;

  std::unique_ptr<Poco::Net::StreamSocket> socket_;
  int fd_;
  bool secure_;
  bool unix_ = false;
  std::string remote_;
  std::string in_;          // read, and not yet asked for
  std::size_t looked_ = 0;  // so much of it has no end of a head
};

}  // namespace kpay::http
