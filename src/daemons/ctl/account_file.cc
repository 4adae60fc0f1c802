#include "daemons/ctl/account_file.h"

#include <array>
#include <optional>
#include <string_view>

namespace kpay::ctl {

namespace {

std::optional<std::array<std::string_view, 3>> split(std::string_view line) {
  std::array<std::string_view, 3> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const std::size_t comma = line.find(',');
    const bool last = i + 1 == parts.size();
    if (last != (comma == std::string_view::npos)) {
      return std::nullopt;
    }
    parts[i] = line.substr(0, comma);
    line.remove_prefix(last ? line.size() : comma + 1);
  }
  return parts;
}

// Empty when `line` was read into `out`.
std::string read_line(std::string_view line, AccountLine& out) {
  const auto parts = split(line);
  if (!parts) {
    return "is not id,currency,opening";
  }
  const std::optional<core::AccountId> account = core::AccountId::parse((*parts)[0]);
  if (!account) {
    return "\"" + std::string((*parts)[0]) + "\" is no account id";
  }
  const std::optional<core::Currency> currency = core::Currency::parse((*parts)[1]);
  if (!currency || !currency->known()) {
    return "\"" + std::string((*parts)[1]) + "\" is no currency";
  }
  const std::optional<core::Money> opening = core::parse_amount((*parts)[2], *currency);
  if (!opening) {
    return "\"" + std::string((*parts)[2]) + "\" is no amount in " + std::string((*parts)[1]);
  }
  out = {*account, *opening};
  return {};
}

}  // namespace

AccountFile read_accounts(std::istream& in) {
  AccountFile file;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (!line.empty() && line.back() == '\r') {
      line.pop_back();
    }
    if (line.empty() || line.front() == '#' || (number == 1 && line.starts_with("id,"))) {
      continue;
    }
    AccountLine account;
    if (std::string problem = read_line(line, account); !problem.empty()) {
      file.bad.push_back({number, std::move(problem)});
    } else {
      file.accounts.push_back(account);
    }
  }
  return file;
}

}  // namespace kpay::ctl
