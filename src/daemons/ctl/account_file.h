// AccountFile: reads accounts to be opened from CSV lines `id,currency,opening`.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "core/commands.h"

namespace kpay::ctl {

struct AccountLine {
  core::AccountId account;
  core::Money opening;
};

struct BadLine {
  std::size_t line = 0;  ///< from 1
  std::string problem;
};

struct AccountFile {
  std::vector<AccountLine> accounts;
  std::vector<BadLine> bad;
};

/// A first line that begins with "id," is a heading; empty lines and those that begin with '#' are
/// skipped; a bad line is told and the rest goes on.
[[nodiscard]] AccountFile read_accounts(std::istream& in);

}  // namespace kpay::ctl
