#include "core/refusal.h"

#include <algorithm>

#include "base/check.h"

namespace kpay::core {

static_assert(std::is_sorted(kRefusals.begin(), kRefusals.end()), "precedence is number order");

std::string_view to_string(Refusal refusal) noexcept {
  switch (refusal) {
    case Refusal::none: return "none";
    case Refusal::exists_with_different_content: return "exists_with_different_content";
    case Refusal::id_must_be_version_7: return "id_must_be_version_7";
    case Refusal::id_expired: return "id_expired";
    case Refusal::id_from_the_future: return "id_from_the_future";
    case Refusal::account_id_is_reserved: return "account_id_is_reserved";
    case Refusal::accounts_must_differ: return "accounts_must_differ";
    case Refusal::amount_must_be_positive: return "amount_must_be_positive";
    case Refusal::opening_must_not_be_negative: return "opening_must_not_be_negative";
    case Refusal::amount_exceeds_limit: return "amount_exceeds_limit";
    case Refusal::currency_unknown: return "currency_unknown";
    case Refusal::reference_too_long: return "reference_too_long";
    case Refusal::account_not_found: return "account_not_found";
    case Refusal::account_closed: return "account_closed";
    case Refusal::account_frozen: return "account_frozen";
    case Refusal::account_exists: return "account_exists";
    case Refusal::currency_must_match_account: return "currency_must_match_account";
    case Refusal::exceeds_balance: return "exceeds_balance";
    case Refusal::overflows_balance: return "overflows_balance";
    case Refusal::balance_must_be_zero: return "balance_must_be_zero";
  }
  return "unknown";
}

std::optional<Refusal> refusal_of(std::uint32_t number) noexcept {
  if (number == 0) {
    return Refusal::none;
  }
  if (number > 0xffffU) {
    return std::nullopt;
  }
  const auto refusal = static_cast<Refusal>(number);
  if (!std::binary_search(kRefusals.begin(), kRefusals.end(), refusal)) {
    return std::nullopt;
  }
  return refusal;
}

std::size_t place_of(Refusal refusal) noexcept {
  const auto* const at = std::lower_bound(kRefusals.begin(), kRefusals.end(), refusal);
  check(at != kRefusals.end() && *at == refusal, "a refusal that is counted is one of the list");
  return static_cast<std::size_t>(at - kRefusals.begin());
}

}  // namespace kpay::core
