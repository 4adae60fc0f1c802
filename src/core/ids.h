// Ids of accounts, payments and commands: types of their own, without allocation.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string_view>

#include "base/bytes.h"
#include "base/named.h"
#include "base/uuid.h"
#include "core/limits.h"
#include "core/money.h"

namespace kpay::core {

/// 1 to 34 characters of [A-Za-z0-9._:-]. The default is empty and names no account.
/// Ids that begin with "suspense:" are the system's own (R25).
class AccountId {
 public:
  constexpr AccountId() = default;

  /// Nothing, if it is empty, too long, or has another character in it.
  [[nodiscard]] static std::optional<AccountId> parse(std::string_view text) noexcept;
  /// The suspense account of a currency: "suspense:EUR". Each partition has its own.
  [[nodiscard]] static AccountId suspense(Currency currency) noexcept;

  [[nodiscard]] std::string_view text() const noexcept { return {text_.data(), size_}; }
  /// The bytes that decide its partition (R10).
  [[nodiscard]] ByteView view() const noexcept { return as_bytes(text()); }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  /// True for the system's own accounts: no command and no payment may name one.
  [[nodiscard]] bool reserved() const noexcept { return text().starts_with("suspense:"); }

  friend bool operator==(const AccountId& a, const AccountId& b) noexcept {
    return std::memcmp(&a, &b, sizeof a) == 0;
  }
  friend bool operator<(const AccountId& a, const AccountId& b) noexcept {
    return a.text() < b.text();
  }

 private:
  std::array<char, 39> text_{};  // zeros after the text, so that all bytes can be compared
  std::uint8_t size_ = 0;
};
static_assert(sizeof(AccountId) == 40 && kAccountIdMax <= 39);

using PaymentId = Named<struct PaymentIdTag, Uuid>;
/// The id that a client gave an account command.
using CommandId = Named<struct CommandIdTag, Uuid>;

/// A calendar date as the number YYYYMMDD; 0 is none. A payment's own date, which no rule reads
/// as `now` (R3).
using ValueDate = Named<struct ValueDateTag, std::int32_t>;

/// True for 0 and for dates of the calendar from year 1900 to 2999.
[[nodiscard]] bool is_valid(ValueDate date) noexcept;

}  // namespace kpay::core

template <>
struct std::hash<kpay::core::AccountId> {
  std::size_t operator()(const kpay::core::AccountId& id) const noexcept {
    std::array<std::uint64_t, 5> words{};
    std::memcpy(words.data(), &id, sizeof id);
    std::uint64_t mixed = 0x9e3779b97f4a7c15ULL;
    for (const std::uint64_t word : words) {
      mixed = (mixed ^ word) * 0xff51afd7ed558ccdULL;
      mixed ^= mixed >> 32U;
    }
    return static_cast<std::size_t>(mixed);
  }
};
