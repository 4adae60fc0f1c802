#include "telemetry/systemd.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "telemetry/limits.h"

namespace kpay::telemetry {
namespace {

std::optional<std::int64_t> integer_of(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) {
    return std::nullopt;
  }
  std::int64_t value = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, value);
  return error == std::errc{} && stop == end ? std::optional(value) : std::nullopt;
}

}  // namespace

class Systemd::Socket {
 public:
  Socket(int fd, const sockaddr_un& address, socklen_t size)
      : fd_(fd), address_(address), size_(size) {}
  ~Socket() { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send(std::string_view message) const {
    ssize_t sent = -1;
    do {
      sent = ::sendto(fd_, message.data(), message.size(), MSG_NOSIGNAL,
                      reinterpret_cast<const sockaddr*>(&address_), size_);
    } while (sent < 0 && errno == EINTR);
  }

 private:
  int fd_;
  sockaddr_un address_;
  socklen_t size_;
};

Systemd::Systemd(Systemd&&) noexcept = default;
Systemd& Systemd::operator=(Systemd&&) noexcept = default;
Systemd::~Systemd() = default;

Result<Systemd> Systemd::from_environment() {
  Systemd systemd;
  const char* path = std::getenv("NOTIFY_SOCKET");
  if (path == nullptr || *path == '\0') {
    return systemd;
  }
  const std::string_view name(path);
  sockaddr_un address{};
  if ((name.front() != '/' && name.front() != '@') || name.size() >= sizeof address.sun_path) {
    return Unexpected(ErrorCode::invalid, "NOTIFY_SOCKET=" + std::string(name) +
                                              " is not a path or an abstract name of a socket");
  }
  address.sun_family = AF_UNIX;
  std::copy(name.begin(), name.end(), address.sun_path);
  if (name.front() == '@') {
    address.sun_path[0] = '\0';
  }
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    return Unexpected(ErrorCode::io, std::string("notify socket: ") + std::strerror(errno));
  }
  const timeval patience{.tv_sec = 1, .tv_usec = 0};  // a manager that hangs must not hang us
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  const std::size_t size = offsetof(sockaddr_un, sun_path) + name.size();
  systemd.socket_ = std::make_unique<Socket>(fd, address, static_cast<socklen_t>(size));

  const std::optional<std::int64_t> interval = integer_of("WATCHDOG_USEC");
  const std::int64_t watched = integer_of("WATCHDOG_PID").value_or(::getpid());
  if (interval && *interval > 0 && watched == ::getpid()) {
    systemd.watchdog_interval_ = std::chrono::microseconds(*interval);
  }
  return systemd;
}

void Systemd::send(std::string_view message) const {
  if (socket_ != nullptr) {
    socket_->send(message);
  }
}

void Systemd::status(std::string_view text) const {
  std::string message = "STATUS=" + std::string(text.substr(0, limits::status_bytes_max));
  std::replace(message.begin(), message.end(), '\n', ' ');
  send(message);
}

void Systemd::extend_timeout(std::chrono::microseconds time) const {
  send("EXTEND_TIMEOUT_USEC=" + std::to_string(time.count()));
}

}  // namespace kpay::telemetry
