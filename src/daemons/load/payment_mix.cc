#include "daemons/load/payment_mix.h"

namespace kpay::load {

namespace {

constexpr std::int64_t kOverBalance = 900'000;  // in whole units of the currency

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

Result<PaymentMix> PaymentMix::make(const tool::MixFlags& flags) {
  const Result<tool::MixPlan> plan = tool::plan_mix(flags);
  if (!plan) {
    return Unexpected(plan.error());
  }
  PaymentMix mix;
  mix.accounts_ = flags.accounts;
  mix.prefix_ = flags.account_prefix;
  mix.currency_ = plan->currency;
  mix.amount_max_ = plan->amount_max;
  mix.bad_per_million_ = plan->bad_per_million;
  mix.random_.seed(flags.seed);
  if (flags.distribution == "zipf") {
    mix.zipf_.emplace(flags.accounts, plan->zipf_milli);
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
  const std::string number = std::to_string(++unknown_ % tool::kAccountsMax);
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
