#include "daemons/ctl/books_table.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <thread>

namespace kpay::ctl {

namespace {

constexpr std::size_t kSumDigitsMax = 40;                  // of 128 bits, with a minus
constexpr std::chrono::milliseconds kBetweenRounds{1100};  // a checkpoint takes a second

// A whole number, or decimal text where 64 bits are too few.
core::Sum sum_in(const nlohmann::json& row, const char* name) {
  const auto found = row.find(name);
  if (found == row.end() || !(found->is_string() || found->is_number_integer())) {
    return {};
  }
  return sum_of_digits(found->is_string() ? found->get<std::string>() : found->dump());
}

std::uint64_t count_in(const nlohmann::json& row, const char* name) {
  const auto found = row.find(name);
  return found != row.end() && found->is_number_unsigned() ? found->get<std::uint64_t>() : 0;
}

// A difference of two counts; it wraps, as only nonsense can make it.
void add_count(std::int64_t& total, std::uint64_t count) {
  total = static_cast<std::int64_t>(static_cast<std::uint64_t>(total) + count);
}

void take_account(ShownBooks& books, const std::string& id, const nlohmann::json& row) {
  const auto currency = row.find("currency");
  const bool named = currency != row.end() && currency->is_string();
  ShownCurrency& shown = books.currencies[named ? currency->get<std::string>() : "XXX"];
  const core::Sum balance = sum_in(row, "balance_minor");
  shown.balances += balance;
  if (id.starts_with("suspense:")) {
    shown.suspense += balance;
  } else {
    ++shown.accounts;
  }
}

void take_intake(ShownCurrency& shown, const nlohmann::json& row) {
  shown.accepted += count_in(row, "accepted_count");
  shown.accepted_value += sum_in(row, "accepted_value");
  add_count(shown.in_flight, count_in(row, "opened_count"));
  shown.in_flight_value += sum_in(row, "opened_value");
  shown.rejected += count_in(row, "rejected");
}

void take_settle(ShownCurrency& shown, const nlohmann::json& row) {
  shown.confirmed += count_in(row, "completed_count");
  shown.confirmed_value += sum_in(row, "completed_value");
  shown.failed += count_in(row, "failed_count") + count_in(row, "failed_at_intake_count");
  shown.failed_value += sum_in(row, "failed_value");
  shown.failed_value += sum_in(row, "failed_at_intake_value");
  add_count(shown.in_flight, 0 - count_in(row, "closed_count"));
  shown.in_flight_value -= sum_in(row, "closed_value");
}

void take_totals(ShownCurrency& shown, const nlohmann::json& row) {
  shown.opening += sum_in(row, "opened_value");
  shown.deposits += sum_in(row, "deposits_value");
  shown.in_transit += sum_in(row, "debited_value");
  shown.in_transit -= sum_in(row, "credited_value");
  shown.in_transit -= sum_in(row, "refunded_value");
}

Result<ShownBooks> ask_all(const HttpTables& tables) {
  ShownBooks books;
  for (const auto& [stage, table] :
       {std::pair("settle", "totals"), std::pair("account", "totals"),
        std::pair("account", "accounts"), std::pair("intake", "totals")}) {
    for (const std::int32_t partition : tables.unserved(stage)) {
      const std::string name = std::string(stage) + "/" + std::to_string(partition);
      if (std::find(books.missing.begin(), books.missing.end(), name) == books.missing.end()) {
        books.missing.push_back(name);
      }
    }
    const std::string full = std::string(stage) + "." + table;
    for (const Instance& instance : tables.serving(stage)) {
      Result<void> taken;
      Result<void> asked = tables.each(instance, stage, table, [&](const Row& row) {
        if (taken) {
          taken = take_row(books, full, row);
        }
      });
      if (!asked || !taken) {
        return Unexpected(!asked ? asked.error() : taken.error());
      }
    }
  }
  return books;
}

bool same(const ShownBooks& a, const ShownBooks& b) {
  return std::equal(a.currencies.begin(), a.currencies.end(), b.currencies.begin(),
                    b.currencies.end(), [](const auto& x, const auto& y) {
                      return x.first == y.first && x.second.accepted == y.second.accepted &&
                             x.second.in_flight == y.second.in_flight &&
                             x.second.confirmed == y.second.confirmed &&
                             x.second.failed == y.second.failed &&
                             x.second.balances == y.second.balances &&
                             x.second.in_transit == y.second.in_transit;
                    });
}

}  // namespace

core::Sum sum_of_digits(std::string_view digits) {
  const bool negative = digits.starts_with('-');
  digits.remove_prefix(negative ? 1 : 0);
  if (digits.size() > kSumDigitsMax ||
      digits.find_first_not_of("0123456789") != std::string_view::npos) {
    return {};
  }
  core::Sum sum;
  for (const char c : digits) {
    const core::Sum twice = sum + sum;
    const core::Sum eightfold = twice + twice + twice + twice;
    sum = eightfold + twice;
    sum += c - '0';
  }
  core::Sum result;
  return negative ? result -= sum : result += sum;
}

bool ShownBooks::conserved() const noexcept {
  return std::all_of(currencies.begin(), currencies.end(),
                     [](const auto& each) { return each.second.conserved(); });
}

Result<void> take_row(ShownBooks& books, const std::string& table, const Row& row) {
  const nlohmann::json fields = nlohmann::json::parse(row.json, nullptr, false);
  if (!fields.is_object()) {
    return Unexpected(ErrorCode::corrupt, table + " " + row.key + " is no row");
  }
  if (table == "account.accounts") {
    take_account(books, row.key, fields);
  } else if (table == "account.totals") {
    take_totals(books.currencies[row.key], fields);
  } else if (table == "intake.totals") {
    take_intake(books.currencies[row.key], fields);
  } else {
    take_settle(books.currencies[row.key], fields);
  }
  return {};
}

Result<ShownBooks> show_books(const HttpTables& tables, int rounds) {
  Result<ShownBooks> books = ask_all(tables);
  for (int round = 1; round < rounds && books; ++round) {
    std::this_thread::sleep_for(kBetweenRounds);
    Result<ShownBooks> again = ask_all(tables);
    if (again) {
      again->settled = same(*books, *again);
    }
    books = std::move(again);
    if (books && books->settled) {
      break;
    }
  }
  return books;
}

}  // namespace kpay::ctl
