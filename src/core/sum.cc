#include "core/sum.h"

#include <algorithm>

namespace kpay::core {

std::string to_string(const Sum& sum) {
  if (const std::optional<std::int64_t> narrow = sum.narrow()) {
    return std::to_string(*narrow);
  }
  // Magnitude as an unsigned number in two halves, divided by ten digit by digit.
  const bool negative = sum.high() < 0;
  std::uint64_t high = static_cast<std::uint64_t>(sum.high());
  std::uint64_t low = sum.low();
  if (negative) {
    low = ~low + 1U;
    high = ~high + (low == 0 ? 1U : 0U);
  }
  std::uint32_t words[4] = {
      static_cast<std::uint32_t>(high >> 32U), static_cast<std::uint32_t>(high),
      static_cast<std::uint32_t>(low >> 32U), static_cast<std::uint32_t>(low)};
  std::string digits;
  while ((words[0] | words[1] | words[2] | words[3]) != 0) {
    std::uint64_t rest = 0;
    for (std::uint32_t& word : words) {
      const std::uint64_t part = (rest << 32U) | word;
      word = static_cast<std::uint32_t>(part / 10U);
      rest = part % 10U;
    }
    digits.push_back(static_cast<char>('0' + rest));
  }
  if (negative) {
    digits.push_back('-');
  }
  std::reverse(digits.begin(), digits.end());
  return digits;
}

}  // namespace kpay::core
