#include "http/parking.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/check.h"
#include "http/limits.h"

namespace kpay::http {
namespace {

std::uint32_t events_of(Parking::As as) {
  return EPOLLIN | (as == Parking::As::ready ? EPOLLOUT : 0U);
}

// True when it only waits for a thread.
bool could_go(const Parked& what, Parking::As as) {
  pollfd polled{what.fd(), static_cast<short>(events_of(as)), 0};
  return ::poll(&polled, 1, 0) == 1;
}

}  // namespace

std::size_t share_of_descriptors(std::size_t most) {
  rlimit allowed{};
  if (::getrlimit(RLIMIT_NOFILE, &allowed) != 0 || allowed.rlim_cur == RLIM_INFINITY) {
    return most;
  }
  return std::min<std::size_t>(most, allowed.rlim_cur / 3);
}

Parking::Parking()
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  check(epoll_ >= 0 && wake_ >= 0, "a process can have two more descriptors for its connections");
  epoll_event event{.events = EPOLLIN, .data = {.u64 = 0}};
  check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) == 0, "an eventfd can be waited for");
}

Parking::~Parking() {
  close();
  ::close(wake_);
  ::close(epoll_);
}

bool Parking::arm(int operation, std::uint64_t ticket, const Place& place) const {
  epoll_event event{.events = events_of(place.as) | EPOLLONESHOT, .data = {.u64 = ticket}};
  return ::epoll_ctl(epoll_, operation, place.what->fd(), &event) == 0;
}

std::unique_ptr<Parked> Parking::leave(Places::iterator at) {
  std::unique_ptr<Parked> what = std::move(at->second.what);
  ::epoll_ctl(epoll_, EPOLL_CTL_DEL, what->fd(), nullptr);
  bytes_ -= what->bytes();
  places_.erase(at);
  return what;
}

void Parking::park(std::unique_ptr<Parked> what, As as, std::int64_t until_ms) {
  Place place{std::move(what), as, until_ms};
  const std::lock_guard lock(mutex_);
  if (closed_ || !arm(EPOLL_CTL_ADD, last_ticket_ + 1, place)) {
    return;
  }
  bytes_ += place.what->bytes();
  places_.emplace(++last_ticket_, std::move(place));
}

std::unique_ptr<Parked> Parking::take() {
  for (;;) {
    epoll_event event{};
    const int ready = ::epoll_wait(epoll_, &event, 1, -1);
    const std::lock_guard lock(mutex_);
    const auto at = ready == 1 ? places_.find(event.data.u64) : places_.end();
    if (at != places_.end()) {  // else it was closed, or a signal came
      return leave(at);
    }
    if (closed_ && places_.empty()) {
      return nullptr;
    }
  }
}

bool Parking::is_waited_for() const {
  pollfd polled{epoll_, POLLIN, 0};
  return ::poll(&polled, 1, 0) == 1;
}

std::size_t Parking::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

void Parking::sweep(std::int64_t now_ms) {
  std::vector<std::unique_ptr<Parked>> over;  // they go without the lock
  const std::lock_guard lock(mutex_);
  for (auto next = places_.begin(); next != places_.end();) {
    const auto at = next++;
    Place& place = at->second;
    if (now_ms < place.until_ms || could_go(*place.what, place.as)) {
      continue;
    }
    if (place.as == As::half) {
      place.as = As::ready;
      place.until_ms = now_ms + limits::receive_ms_max;
      if (arm(EPOLL_CTL_MOD, at->first, place)) {
        continue;
      }
    }
    over.push_back(leave(at));
  }
}

bool Parking::close_oldest() {
  constexpr int kLooksMax = 64;  // each is a system call, and somebody floods
  std::unique_ptr<Parked> oldest;
  const std::lock_guard lock(mutex_);
  for (const As as : {As::idle, As::half}) {
    int looks = 0;
    for (auto at = places_.begin(); at != places_.end() && looks < kLooksMax; ++at) {
      if (at->second.as != as) {
        continue;
      }
      if (!could_go(*at->second.what, as)) {
        oldest = leave(at);
        return true;
      }
      ++looks;
    }
  }
  return false;
}

void Parking::finish() {
  std::vector<std::unique_ptr<Parked>> silent;  // they go without the lock
  const std::lock_guard lock(mutex_);
  closed_ = true;
  for (auto next = places_.begin(); next != places_.end();) {
    const auto at = next++;
    if (!could_go(*at->second.what, at->second.as)) {
      silent.push_back(leave(at));
    }
  }
  wake();
}

void Parking::close() {
  Places all;  // they go without the lock
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    all.swap(places_);
    bytes_ = 0;
  }
  wake();
}

// For good: nobody reads it.
void Parking::wake() const {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

}  // namespace kpay::http
