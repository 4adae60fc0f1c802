#include "daemons/load/payment_mix.h"

#include <CLI/CLI.hpp>
#include <cmath>

namespace kpay::load {

namespace {

constexpr std::uint32_t kAccountsMax = 10'000'000;
constexpr std::int64_t kOverBalance = 900'000;  // in whole units of the currency
constexpr double kMillion = 1e6;

Error bad_amount(const MixFlags& flags, const core::Currency& currency) {
  return {ErrorCode::invalid, "--amount-max \"" + flags.amount_max + "\" is no amount above 0 in " +
                                  flags.currency + ", as " + core::format_amount({5000, currency})};
}

std::int64_t minor_units(const core::Currency& currency, std::int64_t whole) {
  for (int i = 0; i < currency.minor_digits(); ++i) {
    whole *= 10;
  }
  return whole;
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::good: return "good";
    case Kind::unknown_payee: return "unknown_payee";
    case Kind::unknown_payer: return "unknown_payer";
    case Kind::self_payment: return "self_payment";
    case Kind::negative_amount: return "negative_amount";
    case Kind::over_limit: return "over_limit";
    case Kind::wrong_currency: return "wrong_currency";
    case Kind::over_balance: return "over_balance";
    case Kind::same_id_other_content: return "same_id_other_content";
    case Kind::missing_field: return "missing_field";
    case Kind::letters_in_amount: return "letters_in_amount";
  }
  return "unknown";
}

void add_mix_options(CLI::App& command, MixFlags& flags) {
  command.add_option("--accounts", flags.accounts, "How many accounts there are")
      ->required()
      ->check(CLI::Range(2U, kAccountsMax));
  command.add_option("--account-prefix", flags.account_prefix, "Their ids begin with it [acc-]");
  command.add_option("--currency", flags.currency, "Of the accounts [EUR]");
  command.add_option("--amount-max", flags.amount_max, "The largest amount [50.00]");
  command
      .add_option("--distribution", flags.distribution, "Of accounts: uniform or zipf [uniform]")
      ->check(CLI::IsMember({"uniform", "zipf"}));
  command.add_option("--zipf-s", flags.zipf_s, "The exponent of zipf [1.1]");
  command.add_option("--seed", flags.seed, "The same seed makes the same payments [1]");
}

void add_bad_share_option(CLI::App& command, MixFlags& flags) {
  command.add_option("--bad-share", flags.bad_share, "Share of bad payments, 0 to 1 [0]")
      ->check(CLI::Range(0.0, 1.0));
}

Result<PaymentMix> PaymentMix::make(const MixFlags& flags) {
  const std::optional<core::Currency> currency = core::Currency::parse(flags.currency);
  if (!currency || !currency->known()) {
    return Unexpected(ErrorCode::invalid, "\"" + flags.currency +
                                              "\" is no currency: three capital letters of "
                                              "ISO 4217, as EUR");
  }
  const std::optional<core::Money> most = core::parse_amount(flags.amount_max, *currency);
  if (!most || most->minor <= 0 || most->minor > core::kAmountMax) {
    return Unexpected(bad_amount(flags, *currency).code, bad_amount(flags, *currency).message);
  }
  const std::string longest = flags.account_prefix + "unknown-" + std::to_string(kAccountsMax);
  if (!core::AccountId::parse(longest)) {
    return Unexpected(ErrorCode::invalid, "--account-prefix \"" + flags.account_prefix +
                                              "\": 18 characters at most, of A-Z a-z 0-9 . _ : -");
  }
  const Result<std::uint32_t> exponent = exponent_milli(flags.zipf_s);
  if (!exponent) {
    return Unexpected(exponent.error());
  }
  PaymentMix mix;
  mix.accounts_ = flags.accounts;
  mix.prefix_ = flags.account_prefix;
  mix.currency_ = *currency;
  mix.amount_max_ = most->minor;
  mix.bad_per_million_ = static_cast<std::uint64_t>(std::llround(flags.bad_share * kMillion));
  mix.random_.seed(flags.seed);
  if (flags.distribution == "zipf") {
    mix.zipf_.emplace(flags.accounts, *exponent);
  }
  return mix;
}

std::uint32_t PaymentMix::pick() {
  const std::uint64_t random = random_();
  return zipf_ ? zipf_->pick(random) : static_cast<std::uint32_t>(random % accounts_);
}

core::AccountId PaymentMix::account(std::uint32_t index) const {
  return core::AccountId::parse(prefix_ + std::to_string(index + 1)).value();
}

core::AccountId PaymentMix::unknown_account() {
  const std::string number = std::to_string(++unknown_ % kAccountsMax);
  return core::AccountId::parse(prefix_ + "unknown-" + number).value();
}

Kind PaymentMix::next_kind() {
  if (bad_per_million_ == 0 || random_() % 1'000'000 >= bad_per_million_) {
    return Kind::good;
  }
  return kBadCommands[random_() % kBadCommands.size()];
}

core::Transfer PaymentMix::next(Kind kind) {
  const std::uint32_t from = pick();
  std::uint32_t to = pick();
  to = to == from ? (to + 1) % accounts_ : to;
  const std::uint64_t below = static_cast<std::uint64_t>(amount_max_);
  const auto amount = static_cast<std::int64_t>(random_() % below);
  core::Transfer transfer;
  transfer.from = account(from);
  transfer.to = account(to);
  transfer.amount = {amount + 1, currency_};
  switch (kind) {
    case Kind::unknown_payee: transfer.to = unknown_account(); break;
    case Kind::unknown_payer: transfer.from = unknown_account(); break;
    case Kind::self_payment: transfer.to = transfer.from; break;
    case Kind::negative_amount: transfer.amount.minor = -transfer.amount.minor; break;
    case Kind::over_limit: transfer.amount.minor += core::kAmountMax; break;
    case Kind::wrong_currency:
      transfer.amount.currency =
          core::Currency::parse(currency_.text() == "USD" ? "EUR" : "USD").value();
      break;
    case Kind::over_balance: transfer.amount.minor = minor_units(currency_, kOverBalance); break;
    case Kind::good:
    case Kind::same_id_other_content:
    case Kind::missing_field:
    case Kind::letters_in_amount: break;
  }
  return transfer;
}

}  // namespace kpay::load
