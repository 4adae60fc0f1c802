// Exit: how the command-line tools end. The numbers are in docs/kpayctl.md and docs/kpay-load.md
// and never change their meaning.
#pragma once

#include "base/result.h"

namespace kpay::tool {

enum class Exit {
  ok = 0,
  failure = 1,
  usage = 2,
  not_found = 3,
  refused = 4,
  unreachable = 5,
  permission = 6,
  partial = 7,
  check_failed = 8,
  timed_out = 9,
  interrupted = 130,
};

/// What an error of the libraries below means to the caller of a command.
[[nodiscard]] constexpr Exit exit_of(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid: return Exit::usage;
    case ErrorCode::not_found: return Exit::not_found;
    case ErrorCode::conflict:
    case ErrorCode::fenced: return Exit::refused;
    case ErrorCode::unavailable: return Exit::unreachable;
    case ErrorCode::refused: return Exit::permission;
    case ErrorCode::corrupt:
    case ErrorCode::io: break;
  }
  return Exit::failure;
}

}  // namespace kpay::tool
