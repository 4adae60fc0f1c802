// Rows of the daemons' tables as they answer over HTTP, read by the gateway and kpayctl.
#include <nlohmann/json.hpp>

#include "base/check.h"
#include "daemons/ctl/books_table.h"
#include "daemons/gateway/account.h"
#include "daemons/gateway/payment.h"
#include "daemons/gateway/view.h"
#include "fuzz/target.h"

namespace kpay::fuzz {

namespace {

void check_json(const std::string& text) {
  check(nlohmann::json::accept(text), "what is shown is JSON");
}

void check_books(const ctl::Row& row) {
  ctl::ShownBooks books;
  for (const char* table :
       {"intake.totals", "account.totals", "settle.totals", "account.accounts"}) {
    const Result<void> taken = ctl::take_row(books, table, row);
    check(taken || !taken.error().message.empty(), "what is no row says so");
  }
  (void)books.conserved();
  check_json(gateway::books_json(books));
}

void check_totals(const ctl::Row& row) {
  gateway::Totals totals;
  totals.day = "2026-11-22";
  (void)gateway::take_window(totals, row);
  (void)gateway::take_day(totals, row);
  check_json(gateway::totals_json(totals));
  check_json(gateway::windows_json(totals));
  check_json(gateway::latency_json(totals));
}

}  // namespace

// The key, a tab, and the row's fields.
void run_table_json(ByteView input) {
  const std::string_view text = as_text(input);
  const std::size_t tab = std::min(text.find('\t'), text.size());
  const ctl::Row row{std::string(text.substr(0, tab)),
                     std::string(text.substr(std::min(tab + 1, text.size())))};
  check_books(row);
  check_totals(row);
  for (const char* table : {"payments", "ids", "rejections"}) {
    check_json(gateway::stored_payment_json(Uuid{}, table, row.json, 0));
  }
  if (const auto final = gateway::final_payment(row.json)) {
    check(!final->refusal.empty(), "a payment that ended has a refusal, or none");
  }
  check_json(gateway::account_json(row.key, row.json));
}

}  // namespace kpay::fuzz
