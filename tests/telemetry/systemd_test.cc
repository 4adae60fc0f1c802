#include "telemetry/systemd.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>

namespace kpay::telemetry {
namespace {

// A manager's end of the socket, and the environment that leads to it.
class SystemdTest : public ::testing::Test {
 protected:
  void listen(const std::string& name) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(name.begin(), name.end(), address.sun_path);
    if (name[0] == '@') {
      address.sun_path[0] = '\0';
    } else {
      ::unlink(name.c_str());
    }
    fd_ = ::socket(AF_UNIX, SOCK_DGRAM, 0);
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    ASSERT_EQ(::bind(fd_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  std::string receive() const {
    char buffer[4096];
    const ssize_t size = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    return size < 0 ? "(nothing)" : std::string(buffer, static_cast<std::size_t>(size));
  }
  void TearDown() override {
    ::unsetenv("NOTIFY_SOCKET");
    ::unsetenv("WATCHDOG_USEC");
    ::unsetenv("WATCHDOG_PID");
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }

  int fd_ = -1;
};

TEST_F(SystemdTest, SaysWhatTheManagerKnowsOverAPath) {
  listen("/tmp/kpay_notify_" + std::to_string(::getpid()));
  const Result<Systemd> systemd = Systemd::from_environment();
  ASSERT_TRUE(systemd);
  EXPECT_TRUE(systemd->active());
  systemd->ready();
  EXPECT_EQ(receive(), "READY=1");
  systemd->status("restoring 3 of 12\nlag 4 s");
  EXPECT_EQ(receive(), "STATUS=restoring 3 of 12 lag 4 s");
  systemd->watchdog();
  EXPECT_EQ(receive(), "WATCHDOG=1");
  systemd->extend_timeout(std::chrono::seconds(5));
  EXPECT_EQ(receive(), "EXTEND_TIMEOUT_USEC=5000000");
  systemd->stopping();
  EXPECT_EQ(receive(), "STOPPING=1");
}

TEST_F(SystemdTest, FindsAnAbstractAddress) {
  listen("@kpay_notify_" + std::to_string(::getpid()));
  const Result<Systemd> systemd = Systemd::from_environment();
  ASSERT_TRUE(systemd);
  systemd->ready();
  EXPECT_EQ(receive(), "READY=1");
}

TEST_F(SystemdTest, WithoutAManagerEveryCallDoesNothing) {
  ::unsetenv("NOTIFY_SOCKET");  // a container's manager may have set it
  const Result<Systemd> systemd = Systemd::from_environment();
  ASSERT_TRUE(systemd);
  EXPECT_FALSE(systemd->active());
  systemd->ready();
  systemd->status("x");
  EXPECT_FALSE(systemd->watchdog_interval().has_value());
}

TEST_F(SystemdTest, AManagerThatWentAwayIsNoError) {
  listen("@kpay_notify_" + std::to_string(::getpid()));
  const Result<Systemd> systemd = Systemd::from_environment();
  ::close(fd_);
  fd_ = -1;
  systemd->watchdog();
}

TEST_F(SystemdTest, TheWatchdogIsForTheProcessItNames) {
  listen("@kpay_notify_" + std::to_string(::getpid()));
  ::setenv("WATCHDOG_USEC", "30000000", 1);
  EXPECT_EQ(Systemd::from_environment()->watchdog_interval(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  EXPECT_EQ(Systemd::from_environment()->watchdog_interval(), std::chrono::seconds(30));
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(Systemd::from_environment()->watchdog_interval().has_value());
}

TEST_F(SystemdTest, AnAddressOfAnotherKindIsRefused) {
  ::setenv("NOTIFY_SOCKET", "vsock:2:1234", 1);
  EXPECT_EQ(Systemd::from_environment().error().code, ErrorCode::invalid);
  ::setenv("NOTIFY_SOCKET", ("/" + std::string(200, 'x')).c_str(), 1);
  EXPECT_EQ(Systemd::from_environment().error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace kpay::telemetry
