// check(): what must hold, in release builds too. A failed check is our bug, never bad input.
#pragma once

#include <source_location>

namespace kpay {

/// Prints the place and what was expected to standard error, then aborts.
[[noreturn]] void check_failed(const char* expected, std::source_location where);

/// Aborts the process unless `condition` holds. `expected` says what should have been true.
inline void check(bool condition, const char* expected,
                  std::source_location where = std::source_location::current()) {
  if (!condition) [[unlikely]] {
    check_failed(expected, where);
  }
}

}  // namespace kpay
