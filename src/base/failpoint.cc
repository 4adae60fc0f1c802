#include "base/failpoint.h"

#if KPAY_PLANTED
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace kpay {

namespace {

struct Armed {
  std::string text;
  std::string name;
  std::uint64_t passage = 0;
  bool stop = false;
  unsigned hold_ms = 0;

  // A spec that can't be read would be a test that tests nothing: it ends the process.
  Armed() {
    const char* const spec = std::getenv("KPAY_FAILPOINT");
    if (spec == nullptr || *spec == '\0') {
      return;
    }
    text = spec;
    char step[64];
    char action[8];
    unsigned long long at = 0;
    const int found = std::sscanf(spec, "%63[a-z_]:%llu:%7[a-z]:%u", step, &at, action, &hold_ms);
    const std::string what = found >= 3 ? action : "";
    if (at == 0 || (what != "kill" && what != "stop")) {
      std::fprintf(stderr, "KPAY_FAILPOINT=%s: name:passage:kill|stop[:ms] is wanted\n", spec);
      std::_Exit(2);
    }
    name = step;
    passage = at;
    stop = what == "stop";
  }
};

const Armed& armed() {
  static const Armed only;
  return only;
}

std::atomic<std::uint64_t> passages{0};

}  // namespace

bool failpoint_armed(std::string_view name) noexcept { return armed().name == name; }

bool failpoint_reached(std::string_view name) noexcept {
  return failpoint_armed(name) && passages.fetch_add(1) + 1 == armed().passage;
}

// raise() reaches this very thread before it returns, so that it goes no step further.
void failpoint_act() noexcept {
  if (armed().hold_ms > 0) {
    ::usleep(armed().hold_ms * 1000);
  }
  std::fprintf(stderr, "failpoint %s\n", armed().text.c_str());
  std::raise(armed().stop ? SIGSTOP : SIGKILL);
}

}  // namespace kpay
#endif
