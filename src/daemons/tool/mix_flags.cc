#include "daemons/tool/mix_flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>

#include "core/ids.h"
#include "core/limits.h"

namespace kpay::tool {

namespace {

constexpr double kMillion = 1e6;
constexpr std::uint32_t kExponentMax = 10'000;

}  // namespace

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

Result<MixPlan> plan_mix(const MixFlags& flags) {
  const auto invalid = [](const std::string& text) { return Unexpected(ErrorCode::invalid, text); };
  if (flags.accounts < 2 || flags.accounts > kAccountsMax) {
    return invalid("accounts " + std::to_string(flags.accounts) + ": from 2 to " +
                   std::to_string(kAccountsMax));
  }
  const std::optional<core::Currency> currency = core::Currency::parse(flags.currency);
  if (!currency || !currency->known()) {
    return invalid("\"" + flags.currency +
                   "\" is no currency: three capital letters of ISO 4217, as EUR");
  }
  const std::optional<core::Money> most = core::parse_amount(flags.amount_max, *currency);
  if (!most || most->minor <= 0 || most->minor > core::kAmountMax) {
    return invalid("the largest amount \"" + flags.amount_max + "\" is no amount above 0 in " +
                   flags.currency + ", as " + core::format_amount({5000, *currency}));
  }
  if (!core::AccountId::parse(flags.account_prefix + "unknown-" + std::to_string(kAccountsMax))) {
    return invalid("the account prefix \"" + flags.account_prefix +
                   "\": 18 characters at most, of A-Z a-z 0-9 . _ : -");
  }
  if (flags.distribution != "uniform" && flags.distribution != "zipf") {
    return invalid("the distribution \"" + flags.distribution + "\": uniform or zipf");
  }
  if (!(flags.bad_share >= 0.0 && flags.bad_share <= 1.0)) {
    return invalid("the share of bad payments: from 0 to 1");
  }
  const Result<std::uint32_t> exponent = exponent_milli(flags.zipf_s);
  if (!exponent) {
    return Unexpected(exponent.error());
  }
  return MixPlan{*currency, most->minor,
                 static_cast<std::uint64_t>(std::llround(flags.bad_share * kMillion)), *exponent};
}

Result<std::uint32_t> exponent_milli(std::string_view text) {
  const std::size_t point = std::min(text.find('.'), text.size());
  std::string digits(text.substr(0, point));
  const std::string_view decimals = text.substr(std::min(point + 1, text.size()));
  digits += std::string(decimals) + std::string(3 - std::min<std::size_t>(decimals.size(), 3), '0');
  std::uint32_t milli = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), milli);
  if (point == 0 || decimals.size() > 3 || error != std::errc() ||
      end != digits.data() + digits.size() || milli > kExponentMax) {
    return Unexpected(ErrorCode::invalid, "\"" + std::string(text) +
                                              "\" is no exponent: 0 to 10 with at most three "
                                              "decimals, as 1.1");
  }
  return milli;
}

}  // namespace kpay::tool
