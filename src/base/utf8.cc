#include "base/utf8.h"

namespace kpay {

std::size_t utf8_length(std::string_view bytes) noexcept {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xbf) {
    return i < bytes.size() && byte(i) >= low && byte(i) <= high;
  };
  const unsigned head = byte(0);
  if (head < 0x80) {
    return 1;
  }
  if (head >= 0xc2 && head <= 0xdf) {
    return follows(1) ? 2 : 0;
  }
  if (head >= 0xe0 && head <= 0xef) {
    const unsigned low = head == 0xe0 ? 0xa0 : 0x80;
    const unsigned high = head == 0xed ? 0x9f : 0xbf;
    return follows(1, low, high) && follows(2) ? 3 : 0;
  }
  if (head >= 0xf0 && head <= 0xf4) {
    const unsigned low = head == 0xf0 ? 0x90 : 0x80;
    const unsigned high = head == 0xf4 ? 0x8f : 0xbf;
    return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    const std::size_t length = utf8_length(bytes);
    if (length == 0) {
      return false;
    }
    bytes.remove_prefix(length);
  }
  return true;
}

}  // namespace kpay
