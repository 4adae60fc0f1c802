#include "http/broadcaster.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/check.h"
#include "base/time.h"
#include "http/parking.h"

namespace kpay::http {

namespace {

constexpr int kLookMs = 1000;

// True when the peer has closed its side. What a peer sends on a stream is dropped.
bool has_left(int fd) {
  std::array<char, 1024> dropped{};
  const ssize_t got = ::recv(fd, dropped.data(), dropped.size(), MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

Broadcaster::Broadcaster(std::size_t connections_max, std::int64_t stuck_ms_max,
                         std::int64_t age_ms_max)
    : connections_max_(share_of_descriptors(connections_max)),
      stuck_ms_max_(stuck_ms_max),
      age_ms_max_(age_ms_max),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(wake_fd_ >= 0, "a process can have one more descriptor for a broadcaster");
  thread_ = std::thread([this] { run(); });
}

Broadcaster::~Broadcaster() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake();
  thread_.join();
  ::close(wake_fd_);
}

void Broadcaster::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_fd_, &one, sizeof one);  // full: it is awake already
}

void Broadcaster::publish(std::string text) {
  {
    const std::lock_guard lock(mutex_);
    latest_ = std::make_shared<const std::string>(std::move(text));
  }
  wake();
}

bool Broadcaster::has_room() const {
  const std::lock_guard lock(mutex_);
  return connections_ < connections_max_;
}

void Broadcaster::take(std::unique_ptr<Line> line) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_ || connections_ >= connections_max_) {
      return;
    }
    ++connections_;
    coming_.push_back(std::move(line));
  }
  wake();
}

std::size_t Broadcaster::connections() const {
  const std::lock_guard lock(mutex_);
  return connections_;
}

// False when the connection is over.
bool Broadcaster::serve(Peer& peer, const Text& latest, short events, std::int64_t now_ms) const {
  if ((events & (POLLIN | POLLHUP | POLLERR)) != 0 && has_left(peer.line->fd())) {
    return false;
  }
  if (!peer.pending() && latest != nullptr && peer.text != latest) {
    peer.text = latest;
    peer.sent = 0;
    peer.moved_ms = now_ms;
  }
  while (peer.pending()) {
    const std::ptrdiff_t sent = peer.line->write(std::string_view(*peer.text).substr(peer.sent));
    if (sent < 0) {
      return false;
    }
    if (sent == 0) {
      return now_ms - peer.moved_ms < stuck_ms_max_;
    }
    peer.sent += static_cast<std::size_t>(sent);
    peer.moved_ms = now_ms;
  }
  return now_ms - peer.began_ms < age_ms_max_;
}

void Broadcaster::run() {
  std::vector<Peer> peers;
  std::vector<pollfd> polled;
  for (;;) {
    polled.assign(1, {wake_fd_, POLLIN, 0});
    for (const Peer& peer : peers) {
      const short wanted = static_cast<short>(POLLIN | (peer.pending() ? POLLOUT : 0));
      polled.push_back({peer.line->fd(), wanted, 0});
    }
    ::poll(polled.data(), polled.size(), kLookMs);
    std::uint64_t woken = 0;
    (void)!::read(wake_fd_, &woken, sizeof woken);
    std::vector<std::unique_ptr<Line>> coming;
    Text latest;
    bool stopping = false;
    {
      const std::lock_guard lock(mutex_);
      coming.swap(coming_);
      latest = latest_;
      stopping = stopping_;
    }
    const std::int64_t now_ms = monotonic_ms();
    std::vector<Peer> staying;
    for (std::size_t i = 0; i < peers.size(); ++i) {
      if (!stopping && serve(peers[i], latest, polled[i + 1].revents, now_ms)) {
        staying.push_back(std::move(peers[i]));
      }
    }
    for (std::unique_ptr<Line>& line : coming) {
      Peer peer{std::move(line), nullptr, 0, now_ms, now_ms};
      if (!stopping && serve(peer, latest, 0, now_ms)) {
        staying.push_back(std::move(peer));
      }
    }
    peers = std::move(staying);
    const std::lock_guard lock(mutex_);
    connections_ = peers.size() + coming_.size();
    if (stopping && coming_.empty()) {
      return;
    }
  }
}

}  // namespace kpay::http
