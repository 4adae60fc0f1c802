// RawConnection: a TCP connection to a server on loopback that sends exactly the bytes it is told.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace kpay::http {

class RawConnection {
 public:
  explicit RawConnection(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }
  ~RawConnection() { ::close(fd_); }
  RawConnection(const RawConnection&) = delete;
  RawConnection& operator=(const RawConnection&) = delete;

  [[nodiscard]] bool connected() const { return connected_; }

  /// False when the server has closed.
  bool send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) {
        return false;
      }
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }

  /// One answer with its body, by its Content-Length; what was there at the end or the time-out.
  std::string receive(int timeout_ms = 3000) {
    std::string text;
    while (!is_whole(text) && receive_more(text, timeout_ms)) {
    }
    return text;
  }

  /// True when the server closes within that time.
  bool is_closed(int timeout_ms = 3000) {
    std::string rest;
    while (receive_more(rest, timeout_ms)) {
    }
    return closed_;
  }

 private:
  bool receive_more(std::string& text, int timeout_ms) {
    pollfd poll_fd{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&poll_fd, 1, timeout_ms) != 1) {
      return false;
    }
    char buffer[4096];
    const ssize_t count = ::recv(fd_, buffer, sizeof buffer, 0);
    closed_ = count <= 0;
    if (count > 0) {
      text.append(buffer, static_cast<std::size_t>(count));
    }
    return count > 0;
  }

  static bool is_whole(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    const std::size_t length = text.find("Content-Length: ");
    if (head == std::string::npos || length > head) {
      return false;
    }
    std::size_t size = 0;
    std::from_chars(text.data() + length + 16, text.data() + head, size);
    return text.size() >= head + 4 + size;
  }

  int fd_;
  bool connected_ = false;
  bool closed_ = false;
};

}  // namespace kpay::http
