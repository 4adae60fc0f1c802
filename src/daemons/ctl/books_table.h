// BooksTable: the statement as the daemons' own tables give it.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "core/sum.h"
#include "daemons/ctl/http_tables.h"

namespace kpay::ctl {

/// One currency, summed over all partitions, as of the tasks' last checkpoints.
struct ShownCurrency {
  std::uint64_t accepted = 0;
  core::Sum accepted_value;
  std::int64_t in_flight = 0;  ///< intake's opened - settle's closed
  core::Sum in_flight_value;
  std::uint64_t confirmed = 0;
  core::Sum confirmed_value;
  std::uint64_t failed = 0;
  core::Sum failed_value;
  std::uint64_t rejected = 0;
  std::uint64_t accounts = 0;
  core::Sum balances;  ///< summed account by account
  core::Sum suspense;
  core::Sum opening;
  core::Sum deposits;
  core::Sum in_transit;  ///< debited - credited - refunded

  [[nodiscard]] bool conserved() const noexcept {
    return balances + in_transit == opening + deposits;
  }
};

struct ShownBooks {
  std::map<std::string, ShownCurrency> currencies;
  std::vector<std::string> missing;  ///< "account/3": partitions that nobody serves
  bool settled = false;              ///< nothing moved between the first and the last question

  [[nodiscard]] bool conserved() const noexcept;
};

/// A whole number of at most 37 digits, as a row's fields have it; 0 for any other text.
[[nodiscard]] core::Sum sum_of_digits(std::string_view digits);

/// Takes the fields of a row into the statement. `table` is "intake.totals", "account.totals",
/// "settle.totals" or "account.accounts". Errors: corrupt (no such row).
Result<void> take_row(ShownBooks& books, const std::string& table, const Row& row);

/// Asks until two rounds agree, or `rounds` are over.
[[nodiscard]] Result<ShownBooks> show_books(const HttpTables& tables, int rounds);

}  // namespace kpay::ctl
