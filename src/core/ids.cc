#include "core/ids.h"

#include <algorithm>
#include <chrono>

#include "base/check.h"

namespace kpay::core {

namespace {

constexpr std::array<bool, 256> make_allowed() {
  std::array<bool, 256> allowed{};
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789._:-")) {
    allowed[static_cast<unsigned char>(c)] = true;
  }
  return allowed;
}

constexpr std::array<bool, 256> kAllowed = make_allowed();

}  // namespace

std::optional<AccountId> AccountId::parse(std::string_view text) noexcept {
  if (text.empty() || text.size() > kAccountIdMax) {
    return std::nullopt;
  }
  AccountId id;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (!kAllowed[static_cast<unsigned char>(text[i])]) {
      return std::nullopt;
    }
    id.text_[i] = text[i];
  }
  id.size_ = static_cast<std::uint8_t>(text.size());
  return id;
}

AccountId AccountId::suspense(Currency currency) noexcept {
  constexpr std::string_view prefix = "suspense:";
  AccountId id;
  std::copy(prefix.begin(), prefix.end(), id.text_.begin());
  const std::string_view code = currency.text();
  std::copy(code.begin(), code.end(), id.text_.begin() + prefix.size());
  id.size_ = static_cast<std::uint8_t>(prefix.size() + code.size());
  check(id.reserved(), "a suspense account's id is reserved");
  return id;
}

bool is_valid(ValueDate date) noexcept {
  const std::int32_t number = date.value();
  if (number == 0) {
    return true;
  }
  if (number < 1900'01'01 || number > 2999'12'31) {
    return false;
  }
  const std::chrono::year_month_day day{
      std::chrono::year(number / 10000),
      std::chrono::month(static_cast<unsigned>(number / 100 % 100)),
      std::chrono::day(static_cast<unsigned>(number % 100))};
  return day.ok();
}

}  // namespace kpay::core
