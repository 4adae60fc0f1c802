// Systemd: tells the service manager how the process is doing, over $NOTIFY_SOCKET.
//
// Without a manager every call does nothing. Any thread. A message that can't be sent is lost:
// the next watchdog or the manager's own timer decides.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpay::telemetry {

class Systemd {
 public:
  /// From $NOTIFY_SOCKET ("/path" or "@abstract") and $WATCHDOG_USEC with $WATCHDOG_PID.
  /// Errors: invalid, when the address is of another kind or too long; io.
  [[nodiscard]] static Result<Systemd> from_environment();

  Systemd(Systemd&&) noexcept;
  Systemd& operator=(Systemd&&) noexcept;
  ~Systemd();

  /// False when no manager listens.
  [[nodiscard]] bool active() const noexcept { return socket_ != nullptr; }
  /// How often the manager wants watchdog(); call it at least twice as often. Nothing: never.
  [[nodiscard]] std::optional<std::chrono::microseconds> watchdog_interval() const noexcept {
    return watchdog_interval_;
  }

  void ready() const { send("READY=1"); }
  void stopping() const { send("STOPPING=1"); }
  void watchdog() const { send("WATCHDOG=1"); }
  /// One line for people; line ends become spaces, and it is cut at limits::status_bytes_max.
  void status(std::string_view text) const;
  /// More time for the start or the stop that is under way, counted from now.
  void extend_timeout(std::chrono::microseconds time) const;

 private:
  class Socket;

  Systemd() = default;
  void send(std::string_view message) const;

  std::unique_ptr<Socket> socket_;
  std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace kpay::telemetry
