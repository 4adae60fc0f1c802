// Sockets by Poco, whose exceptions end here.
#include "http/session.h"

#include <Poco/Exception.h>
#include <Poco/Net/SSLException.h>
#include <Poco/Net/SecureStreamSocket.h>
#include <Poco/Net/StreamSocket.h>
#include <openssl/err.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

#include "base/time.h"
#include "http/broadcaster.h"
#include "http/limits.h"

namespace kpay::http {
namespace {

namespace net = Poco::Net;

constexpr std::size_t kPiece = 16384;  // of a TLS record; who asks again, asks for the same piece

// What another connection has left in this thread's errno and OpenSSL's queue is not this one's.
void forget_errors() {
  ERR_clear_error();
  errno = 0;
}

// Both below give > 0 bytes, 0 when the connection is over, < 0 when nothing can be moved now.
int receive_from(net::StreamSocket& socket, char* buffer, std::size_t size) {
  forget_errors();
  try {
    return socket.receiveBytes(buffer, static_cast<int>(size));
  } catch (const Poco::Exception&) {
    return 0;
  }
}

int send_to(net::StreamSocket& socket, std::string_view text) {
  forget_errors();
  try {
    return socket.sendBytes(text.data(), static_cast<int>(std::min(text.size(), kPiece)));
  } catch (const Poco::Exception&) {
    return 0;
  }
}

class SocketLine final : public Line {
 public:
  explicit SocketLine(std::unique_ptr<net::StreamSocket> socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const override { return socket_->impl()->sockfd(); }
  std::ptrdiff_t write(std::string_view text) override {
    const int sent = send_to(*socket_, text);
    return sent > 0 ? sent : sent < 0 ? 0 : -1;
  }

 private:
  std::unique_ptr<net::StreamSocket> socket_;
};

}  // namespace

Session::Session(const net::StreamSocket& socket)
    : socket_(std::make_unique<net::StreamSocket>(socket)),
      fd_(socket_->impl()->sockfd()),
      secure_(socket_->secure()) {
  socket_->setBlocking(false);
  try {
    unix_ = socket_->address().family() == net::SocketAddress::UNIX_LOCAL;
    if (!unix_) {
      socket_->setNoDelay(true);
    }
    remote_ = socket_->peerAddress().toString();
  } catch (const Poco::Exception&) {
    // The peer has left already: the first read says so.
  }
}

Session::~Session() = default;

std::string Session::principal() const {
  if (unix_) {
    ucred peer{};
    socklen_t size = sizeof peer;
    ::getsockopt(fd_, SOL_SOCKET, SO_PEERCRED, &peer, &size);
    return "uid " + std::to_string(peer.uid);
  }
  try {
    if (secure_ && net::SecureStreamSocket(*socket_).havePeerCertificate()) {
      return net::SecureStreamSocket(*socket_).peerCertificate().commonName();
    }
  } catch (const Poco::Exception&) {
    // A certificate without a name is nobody's.
  }
  return "";
}

Session::Read Session::shake_hands(std::string& why) {
  if (!secure_) {
    return Read::done;
  }
  forget_errors();
  try {
    const int done = net::SecureStreamSocket(*socket_).completeHandshake();
    return done > 0 ? Read::done : done < 0 ? Read::more : Read::closed;
  } catch (const net::SSLException& exception) {
    why = exception.displayText();
  } catch (const Poco::Exception&) {
    // The peer went away: nobody is left to tell.
  }
  return Read::closed;
}

Session::Read Session::read_head(std::string& head) {
  constexpr std::string_view kEnd = "\r\n\r\n";
  for (;;) {
    while (in_.starts_with("\r\n")) {
      in_.erase(0, 2);  // an empty line before a request is allowed (RFC 9112, 2.2)
      looked_ = 0;
    }
    const std::size_t end = in_.find(kEnd, looked_);
    const std::size_t size = end == std::string::npos ? in_.size() : end + kEnd.size();
    if (size > limits::head_bytes_max) {
      return Read::too_large;
    }
    if (end != std::string::npos) {
      head.assign(in_, 0, size);
      in_ = in_.substr(size);  // a kept connection holds no more memory than it has bytes
      looked_ = 0;
      return Read::done;
    }
    looked_ = in_.size() < kEnd.size() ? 0 : in_.size() - kEnd.size() + 1;
    std::array<char, kPiece> buffer;
    const int got = receive(buffer.data(), buffer.size());
    if (got <= 0) {
      return got < 0 ? Read::more : Read::closed;
    }
    in_.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

Session::Read Session::read_body(std::string& body, std::uint64_t size) {
  const auto here = std::min<std::uint64_t>(in_.size(), size - body.size());
  body.append(in_, 0, here);
  in_ = in_.substr(here);
  std::array<char, kPiece> buffer;
  while (body.size() < size) {
    const auto most = std::min<std::uint64_t>(buffer.size(), size - body.size());
    const int got = receive(buffer.data(), most);
    if (got <= 0) {
      return got < 0 ? Read::more : Read::closed;
    }
    body.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return Read::done;
}

bool Session::has_more() const { return !in_.empty() || (secure_ && socket_->available() > 0); }

int Session::receive(char* buffer, std::size_t size) {
  return receive_from(*socket_, buffer, size);
}

bool Session::wait(short events, std::int64_t ms_max) const {
  pollfd polled{fd_, events, 0};
  return ms_max > 0 && ::poll(&polled, 1, static_cast<int>(ms_max)) == 1;
}

bool Session::send(std::string_view text, std::int64_t stuck_ms_max) {
  const std::int64_t deadline = monotonic_ms() + limits::send_ms_max;
  while (!text.empty()) {
    const int sent = send_to(*socket_, text);
    if (sent == 0) {
      return false;
    }
    if (sent > 0) {
      text.remove_prefix(static_cast<std::size_t>(sent));
    } else if (!wait(POLLOUT, std::min(stuck_ms_max, deadline - monotonic_ms()))) {
      return false;
    }
  }
  return true;
}

void Session::drain(std::int64_t ms_max) {
  try {
    socket_->shutdownSend();
  } catch (const Poco::Exception&) {
    return;
  }
  std::array<char, kPiece> buffer;
  const std::int64_t deadline = monotonic_ms() + ms_max;
  std::size_t dropped = 0;
  while (monotonic_ms() < deadline && dropped < limits::refuse_drain_bytes) {
    const int got = receive(buffer.data(), buffer.size());
    if (got == 0 || (got < 0 && !wait(POLLIN, std::min(ms_max / 10, deadline - monotonic_ms())))) {
      return;
    }
    dropped += got > 0 ? static_cast<std::size_t>(got) : 0;
  }
}

std::unique_ptr<Line> Session::into_line() {
  return std::make_unique<SocketLine>(
      std::exchange(socket_, std::make_unique<net::StreamSocket>()));
}

}  // namespace kpay::http
