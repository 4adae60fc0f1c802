// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above
// U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace kpay {

/// The length of the character at the head of `bytes`; 0 when there is none.
/// REQUIRES: not empty.
[[nodiscard]] std::size_t utf8_length(std::string_view bytes) noexcept;
[[nodiscard]] bool is_utf8(std::string_view bytes) noexcept;

}  // namespace kpay
