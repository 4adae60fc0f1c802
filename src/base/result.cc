#include "base/result.h"

namespace kpay {

const char* to_string(ErrorCode code) noexcept {
  switch (code) {
    case ErrorCode::invalid: return "invalid";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::fenced: return "fenced";
    case ErrorCode::refused: return "refused";
    case ErrorCode::io: return "io";
  }
  return "unknown";
}

}  // namespace kpay
