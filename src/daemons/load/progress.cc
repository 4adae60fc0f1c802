#include "daemons/load/progress.h"

#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>

#include "base/time.h"
#include "daemons/tool/exit.h"

namespace kpay::load {

namespace {

constexpr std::int64_t kTerminalEveryMs = 200;
constexpr std::int64_t kPlainEveryMs = 10'000;

std::atomic<bool> asked_to_stop = false;
static_assert(std::atomic<bool>::is_always_lock_free, "it is set in a signal handler");

void on_signal(int) {
  if (asked_to_stop.exchange(true)) {
    _exit(static_cast<int>(tool::Exit::interrupted));
  }
}

}  // namespace

Progress::Progress(std::string what)
    : what_(std::move(what)),
      is_terminal_(isatty(STDERR_FILENO) == 1),
      began_ms_(monotonic_ms()),
      shown_ms_(began_ms_) {}

void Progress::tick(std::uint64_t sent, std::uint64_t finished, std::uint64_t total) {
  const std::int64_t now = monotonic_ms();
  const std::int64_t since = now - shown_ms_;
  if (since < (is_terminal_ ? kTerminalEveryMs : kPlainEveryMs)) {
    return;
  }
  const std::uint64_t rate =
      (finished - shown_finished_) * 1000 / static_cast<std::uint64_t>(since);
  const std::string of = total == 0 ? "" : " of " + std::to_string(total);
  std::fprintf(stderr, "%s%s: %lu%s sent, %lu finished, %lu/s%s", is_terminal_ ? "\r\033[K" : "",
               what_.c_str(), sent, of.c_str(), finished, rate, is_terminal_ ? "" : "\n");
  is_shown_ = is_terminal_;
  shown_ms_ = now;
  shown_finished_ = finished;
}

void Progress::end() {
  if (is_shown_) {
    std::fputs("\r\033[K", stderr);
    is_shown_ = false;
  }
}

double Progress::seconds() const {
  return static_cast<double>(monotonic_ms() - began_ms_) / 1000.0;
}

void catch_interrupts() {
  std::signal(SIGINT, on_signal);
  std::signal(SIGTERM, on_signal);
}

bool interrupted() noexcept { return asked_to_stop.load(std::memory_order_relaxed); }

}  // namespace kpay::load
