// Refusal: why a command or a payment was refused, named as the rule that it broke.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace kpay::core {

/// The order of declaration is the order of precedence: of all rules that are broken, the first
/// is named. The numbers are on the wire and never change their meaning; they stand ten apart so
/// that a new rule finds its place.
enum class Refusal : std::uint16_t {
  none = 0,  ///< not refused
  // Of the id: decided before anything else; the command never becomes a payment.
  exists_with_different_content = 10,
  id_must_be_version_7 = 20,
  id_expired = 30,          ///< older than half the horizon
  id_from_the_future = 40,  ///< further ahead than clocks may differ
  // Of the command's own content.
  account_id_is_reserved = 50,
  accounts_must_differ = 60,
  amount_must_be_positive = 70,
  opening_must_not_be_negative = 80,
  amount_exceeds_limit = 90,
  currency_unknown = 100,
  reference_too_long = 110,
  // Of the account.
  account_not_found = 120,
  account_closed = 130,
  account_frozen = 140,  ///< reserved: nothing freezes an account yet
  account_exists = 150,
  currency_must_match_account = 160,
  exceeds_balance = 170,
  overflows_balance = 180,
  balance_must_be_zero = 190,
};

/// All of them in order of precedence, without `none`.
inline constexpr std::array kRefusals = {
    Refusal::exists_with_different_content,
    Refusal::id_must_be_version_7,
    Refusal::id_expired,
    Refusal::id_from_the_future,
    Refusal::account_id_is_reserved,
    Refusal::accounts_must_differ,
    Refusal::amount_must_be_positive,
    Refusal::opening_must_not_be_negative,
    Refusal::amount_exceeds_limit,
    Refusal::currency_unknown,
    Refusal::reference_too_long,
    Refusal::account_not_found,
    Refusal::account_closed,
    Refusal::account_frozen,
    Refusal::account_exists,
    Refusal::currency_must_match_account,
    Refusal::exceeds_balance,
    Refusal::overflows_balance,
    Refusal::balance_must_be_zero,
};

/// Its name in snake_case, as declared.
[[nodiscard]] std::string_view to_string(Refusal refusal) noexcept;
/// The refusal (or none) of that number; nothing if there is none.
[[nodiscard]] std::optional<Refusal> refusal_of(std::uint32_t number) noexcept;
/// Its place in kRefusals. REQUIRES: refusal is not none.
[[nodiscard]] std::size_t place_of(Refusal refusal) noexcept;

}  // namespace kpay::core
