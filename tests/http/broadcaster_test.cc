#include "http/broadcaster.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>

#include "base/time.h"
#include "http/client.h"
#include "http/server.h"

namespace kpay::http {
namespace {

constexpr int kWaitMs = 5000;

// A socket; Session's own line is what the tests of the server have.
class SocketLine final : public Line {
 public:
  explicit SocketLine(int fd) : fd_(fd) {}
  ~SocketLine() override { ::close(fd_); }
  SocketLine(const SocketLine&) = delete;
  SocketLine& operator=(const SocketLine&) = delete;

  [[nodiscard]] int fd() const override { return fd_; }
  std::ptrdiff_t write(std::string_view text) override {
    const ssize_t sent = ::send(fd_, text.data(), text.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    const bool later = sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    return sent > 0 ? sent : later ? 0 : -1;
  }

 private:
  const int fd_;
};

// One end of a connection, whose other end the broadcaster has.
class Listener {
 public:
  Listener() {
    std::array<int, 2> ends{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
    fd_ = ends[0];
    given_ = ends[1];
  }
  ~Listener() { close(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  std::unique_ptr<Line> given() const { return std::make_unique<SocketLine>(given_); }
  void close() {
    if (fd_ >= 0) {
      ::close(std::exchange(fd_, -1));
    }
  }
  // What comes until it ends in `end`; all there was when the time is over, or it was closed.
  std::string read_until(const std::string& end) {
    std::string text;
    const std::int64_t deadline = monotonic_ms() + kWaitMs;
    while (!text.ends_with(end) && monotonic_ms() < deadline) {
      pollfd polled{fd_, POLLIN, 0};
      std::array<char, 4096> bytes{};
      if (::poll(&polled, 1, 100) == 1) {
        const ssize_t got = ::read(fd_, bytes.data(), bytes.size());
        if (got <= 0) {
          return text;
        }
        text.append(bytes.data(), static_cast<std::size_t>(got));
      }
    }
    return text;
  }

 private:
  int fd_ = -1;
  int given_ = -1;
};

bool becomes(const Broadcaster& broadcaster, std::size_t connections) {
  const std::int64_t deadline = monotonic_ms() + kWaitMs;
  while (broadcaster.connections() != connections && monotonic_ms() < deadline) {
    ::poll(nullptr, 0, 10);
  }
  return broadcaster.connections() == connections;
}

TEST(Broadcaster, EverybodyGetsWhatIsPublishedAndLatecomersBeginWithTheNewest) {
  Broadcaster broadcaster;
  Listener first;
  broadcaster.take(first.given());
  broadcaster.publish("one;");
  EXPECT_EQ(first.read_until("one;"), "one;");
  Listener second;
  broadcaster.take(second.given());
  EXPECT_EQ(second.read_until("one;"), "one;");
  broadcaster.publish("two;");
  EXPECT_EQ(first.read_until("two;"), "two;");
  EXPECT_EQ(second.read_until("two;"), "two;");
  EXPECT_EQ(broadcaster.connections(), 2U);
}

TEST(Broadcaster, WhoLeavesIsForgotten) {
  Broadcaster broadcaster;
  Listener stays;
  Listener leaves;
  broadcaster.take(stays.given());
  broadcaster.take(leaves.given());
  EXPECT_TRUE(becomes(broadcaster, 2));
  leaves.close();
  EXPECT_TRUE(becomes(broadcaster, 1));
  broadcaster.publish("on;");
  EXPECT_EQ(stays.read_until("on;"), "on;");
}

TEST(Broadcaster, MoreThanItTakesAreClosed) {
  Broadcaster broadcaster(1);
  Listener first;
  Listener second;
  broadcaster.take(first.given());
  EXPECT_FALSE(broadcaster.has_room());
  broadcaster.take(second.given());
  EXPECT_EQ(second.read_until("x"), "");
  EXPECT_EQ(broadcaster.connections(), 1U);
}

TEST(Broadcaster, OneThatTakesNothingIsCutAndDoesNotHoldTheOthers) {
  constexpr std::int64_t kStuckMs = 200;
  Broadcaster broadcaster(10, kStuckMs);
  Listener stuck;
  Listener reads;
  broadcaster.take(stuck.given());
  broadcaster.take(reads.given());
  const std::string large(4U << 20U, 'x');  // more than the kernel keeps for who never reads
  broadcaster.publish(large + ";");
  EXPECT_EQ(reads.read_until(";").size(), large.size() + 1);
  EXPECT_TRUE(becomes(broadcaster, 1));
}

TEST(Broadcaster, AnOldConnectionIsCutBetweenTwoTextsToComeAgain) {
  constexpr std::int64_t kStuckMs = 10'000;
  constexpr std::int64_t kAgeMs = 300;
  Broadcaster broadcaster(10, kStuckMs, kAgeMs);
  Listener listener;
  broadcaster.take(listener.given());
  broadcaster.publish("whole;");
  EXPECT_EQ(listener.read_until("never"), "whole;");
  EXPECT_TRUE(becomes(broadcaster, 0));
}

TEST(Broadcaster, EndsEveryConnectionWithItself) {
  Listener listener;
  {
    Broadcaster broadcaster;
    broadcaster.take(listener.given());
  }
  EXPECT_EQ(listener.read_until("x"), "");
}

TEST(Broadcaster, AServerHandsItsConnectionOverAndIsFree) {
  const auto broadcaster = std::make_shared<Broadcaster>(3);
  Router router;
  router.add("GET", "/events", [&](const Request&) {
    Response response{.content_type = "text/event-stream"};
    response.stream = broadcaster;
    return response;
  });
  router.add("GET", "/hello", [](const Request&) { return text_response("hello", "text/plain"); });
  Result<std::unique_ptr<Server>> server = Server::start({.threads = 1}, std::move(router));
  ASSERT_TRUE(server);
  const std::string base = "http://127.0.0.1:" + std::to_string((*server)->port());
  broadcaster->publish("data: 1\n\n");
  // Streams never end by themselves: the client gives up, having seen only its head.
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(Client().get(base + "/events", std::chrono::milliseconds(150)));
  }
  const Result<ClientResponse> answer = Client().get(base + "/hello", std::chrono::seconds(3));
  ASSERT_TRUE(answer) << "one thread serves on while streams are open: " << answer.error().message;
  EXPECT_EQ(answer->body, "hello");
}

}  // namespace
}  // namespace kpay::http
