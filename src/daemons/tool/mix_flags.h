// MixFlags: which payments are made up, as typed and as control.state carries it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "core/money.h"

namespace CLI {
class App;
}

namespace kpay::tool {

inline constexpr std::uint32_t kAccountsMax = 10'000'000;

struct MixFlags {
  std::uint32_t accounts = 0;
  std::string account_prefix = "acc-";
  std::string currency = "EUR";
  std::string amount_max = "50.00";
  std::string distribution = "uniform";
  std::string zipf_s = "1.1";
  double bad_share = 0.0;
  std::uint64_t seed = 1;

  friend bool operator==(const MixFlags&, const MixFlags&) = default;
};

/// --accounts, --account-prefix, --currency, --amount-max, --distribution, --zipf-s, --seed.
void add_mix_options(CLI::App& command, MixFlags& flags);
/// --bad-share.
void add_bad_share_option(CLI::App& command, MixFlags& flags);

/// The same, understood.
struct MixPlan {
  core::Currency currency;
  std::int64_t amount_max = 0;
  std::uint64_t bad_per_million = 0;
  std::uint32_t zipf_milli = 0;  ///< the exponent of zipf, in thousandths
};

/// Errors: invalid, with what would be right.
[[nodiscard]] Result<MixPlan> plan_mix(const MixFlags& flags);

/// "1.1" to 1100. Errors: invalid, with what would be right.
[[nodiscard]] Result<std::uint32_t> exponent_milli(std::string_view text);

}  // namespace kpay::tool
