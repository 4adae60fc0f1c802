#include "daemons/ctl/books_table.h"

#include <gtest/gtest.h>

#include <array>

namespace kpay::ctl {
namespace {

ShownBooks statement() {
  ShownBooks books;
  for (const auto& [table, key, json] : std::vector<std::array<std::string, 3>>{
           {"intake.totals", "EUR",
            R"({"accepted_count":5,"accepted_value":50,"opened_count":4,"opened_value":40,
                "rejected":2})"},
           {"settle.totals", "EUR",
            R"({"completed_count":2,"completed_value":20,"failed_count":1,"failed_value":10,
                "failed_at_intake_count":1,"failed_at_intake_value":10,"closed_count":3,
                "closed_value":30})"},
           {"account.totals", "EUR",
            R"({"opened_value":1000,"deposits_value":100,"debited_value":40,"credited_value":20,
                "refunded_value":10,"suspense_value":10})"},
           {"account.accounts", "a", R"({"currency":"EUR","balance_minor":600})"},
           {"account.accounts", "b", R"({"currency":"EUR","balance_minor":480})"},
           {"account.accounts", "suspense:EUR", R"({"currency":"EUR","balance_minor":10})"}}) {
    EXPECT_TRUE(take_row(books, table, {key, json}));
  }
  return books;
}

TEST(BooksTable, SumsWhatTheTasksSay) {
  const ShownBooks books = statement();
  const ShownCurrency& eur = books.currencies.at("EUR");
  EXPECT_EQ(eur.accepted, 5U);
  EXPECT_EQ(eur.in_flight, 1);
  EXPECT_EQ(eur.in_flight_value, core::Sum(10));
  EXPECT_EQ(eur.confirmed, 2U);
  EXPECT_EQ(eur.failed, 2U);
  EXPECT_EQ(eur.rejected, 2U);
  EXPECT_EQ(eur.accounts, 2U);
  EXPECT_EQ(eur.balances, core::Sum(1090));
  EXPECT_EQ(eur.suspense, core::Sum(10));
  EXPECT_EQ(eur.in_transit, core::Sum(10));
  EXPECT_TRUE(books.conserved());
}

TEST(BooksTable, ACentTooManyIsNotConserved) {
  ShownBooks books = statement();
  ASSERT_TRUE(
      take_row(books, "account.accounts", {"c", R"({"currency":"EUR","balance_minor":1})"}));
  EXPECT_FALSE(books.conserved());
}

TEST(BooksTable, FieldsOfAnotherShapeCountNothing) {
  ShownBooks books;
  for (const char* json : {R"({"currency":5,"balance_minor":[1]})", R"({"balance_minor":1.5})",
                           R"({"balance_minor":"12a"})", R"({"balance_minor":true})"}) {
    EXPECT_TRUE(take_row(books, "account.accounts", {"a", json})) << json;
  }
  EXPECT_EQ(books.currencies.at("XXX").balances, core::Sum(0));
  EXPECT_FALSE(take_row(books, "account.accounts", {"a", "[]"}));
  EXPECT_EQ(sum_of_digits("-12"), core::Sum(-12));
  EXPECT_EQ(sum_of_digits(std::string(60, '9')), core::Sum(0)) << "more than 128 bits";
}

TEST(BooksTable, SumsBeyond64BitsComeAsText) {
  ShownBooks books;
  const std::string big = R"({"currency":"EUR","balance_minor":"18446744073709551617"})";
  ASSERT_TRUE(take_row(books, "account.accounts", {"a", big}));
  EXPECT_EQ(to_string(books.currencies.at("EUR").balances), "18446744073709551617");
  EXPECT_FALSE(take_row(books, "account.accounts", {"a", "[]"}));
}

}  // namespace
}  // namespace kpay::ctl
