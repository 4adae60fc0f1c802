#include "daemons/ctl/interrupt.h"

#include <unistd.h>
#include <atomic>
#include <csignal>
#include <deque>

#include "daemons/tool/exit.h"

namespace kpay::ctl {

namespace {

// Always a whole text that stays: a handler may still read the former one.
std::atomic<const std::string*> text{nullptr};

void on_interrupt(int) {
  if (const std::string* told = text.load()) {
    [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, told->data(), told->size());
  }
  _exit(static_cast<int>(tool::Exit::interrupted));
}

}  // namespace

void catch_interrupts() { std::signal(SIGINT, on_interrupt); }

void when_interrupted(const std::string& how_to_go_on) {
  static std::deque<std::string> said;
  text.store(&said.emplace_back("\ninterrupted; " + how_to_go_on + "\n"));
}

}  // namespace kpay::ctl
