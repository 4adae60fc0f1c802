// PaymentMix: makes up payments between accounts, good ones and bad ones of known kinds; the same
// for the same seed on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <string_view>

#include "core/commands.h"
#include "daemons/load/zipf.h"
#include "daemons/tool/mix_flags.h"

namespace kpay::load {

enum class Kind : std::uint8_t {
  good,
  unknown_payee,
  unknown_payer,
  self_payment,
  negative_amount,
  over_limit,
  wrong_currency,
  over_balance,
  // Of files only: a command can't show them.
  same_id_other_content,
  missing_field,
  letters_in_amount,
};

/// The bad ones that can be sent as a command.
inline constexpr std::array kBadCommands = {
    Kind::unknown_payee, Kind::unknown_payer,  Kind::self_payment, Kind::negative_amount,
    Kind::over_limit,    Kind::wrong_currency, Kind::over_balance};
/// All bad ones that a file can have.
inline constexpr std::array kBadLines = {
    Kind::unknown_payee,  Kind::same_id_other_content, Kind::unknown_payer, Kind::missing_field,
    Kind::self_payment,   Kind::negative_amount,       Kind::over_limit,    Kind::letters_in_amount,
    Kind::wrong_currency, Kind::over_balance};

[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

/// Threads: one.
class PaymentMix {
 public:
  /// Errors: invalid, with what would be right.
  static Result<PaymentMix> make(const tool::MixFlags& flags);

  /// The next payment of that kind; its id is nil. Kinds of files only come as a good one.
  [[nodiscard]] core::Transfer next(Kind kind);
  /// Good, or with the share of bad ones one of kBadCommands.
  [[nodiscard]] Kind next_kind();

 private:
  PaymentMix() = default;
  [[nodiscard]] core::AccountId account(std::uint32_t index) const;
  [[nodiscard]] core::AccountId unknown_account();
  [[nodiscard]] std::uint32_t pick();

  std::uint32_t accounts_ = 0;
  std::string prefix_;
  core::Currency currency_;
  std::int64_t amount_max_ = 0;
  std::uint64_t bad_per_million_ = 0;
  std::optional<Zipf> zipf_;
  std::mt19937_64 random_;
  std::uint64_t unknown_ = 0;
};

}  // namespace kpay::load
