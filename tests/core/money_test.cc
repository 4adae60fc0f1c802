#include "core/money.h"

#include <gtest/gtest.h>

#include <limits>

#include "core/day.h"
#include "core/ids.h"
#include "core/make.h"
#include "core/sum.h"

namespace kpay::core {
namespace {

using testing::currency;
constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

TEST(Money, A_currency_is_three_capital_letters) {
  EXPECT_TRUE(Currency::parse("EUR").has_value());
  for (const char* text : {"", "EU", "EURO", "eur", "E1R", "E R"}) {
    EXPECT_FALSE(Currency::parse(text).has_value()) << text;
  }
}

TEST(Money, The_table_of_currencies_is_closed_and_knows_their_decimals) {
  EXPECT_EQ(currency("EUR").minor_digits(), 2);
  EXPECT_EQ(currency("JPY").minor_digits(), 0);
  EXPECT_EQ(currency("KWD").minor_digits(), 3);
  EXPECT_EQ(currency("CLF").minor_digits(), 4);
  EXPECT_FALSE(currency("ZZZ").known());
  EXPECT_FALSE(Currency{}.known()) << "XXX is no currency";
}

TEST(Money, Addition_and_subtraction_give_nothing_on_overflow_or_for_two_currencies) {
  EXPECT_EQ(add(testing::eur(1), testing::eur(2)), testing::eur(3));
  EXPECT_EQ(subtract(testing::eur(1), testing::eur(2)), testing::eur(-1));
  EXPECT_FALSE(add(testing::eur(kMax), testing::eur(1)).has_value());
  EXPECT_FALSE(subtract(testing::eur(kMin), testing::eur(1)).has_value());
  EXPECT_FALSE(add(testing::eur(1), {1, currency("USD")}).has_value());
  EXPECT_FALSE(subtract(testing::eur(1), {1, currency("USD")}).has_value());
}

TEST(Money, An_amount_is_read_exactly_and_written_back) {
  struct Line {
    const char* text;
    const char* currency;
    std::int64_t minor;
    const char* back;
  };
  const Line lines[] = {
      {"12.34", "EUR", 1234, "12.34"},
      {"12.3", "EUR", 1230, "12.30"},
      {"12", "EUR", 1200, "12.00"},
      {"0.05", "EUR", 5, "0.05"},
      {"-0.05", "EUR", -5, "-0.05"},
      {"-12.34", "EUR", -1234, "-12.34"},
      {"5", "JPY", 5, "5"},
      {"1.234", "KWD", 1234, "1.234"},
      {"0.1", "EUR", 10, "0.10"},
      {"007", "EUR", 700, "7.00"},
      {"92233720368547758.07", "EUR", kMax, "92233720368547758.07"},
      {"-92233720368547758.08", "EUR", kMin, "-92233720368547758.08"},
  };
  for (const Line& line : lines) {
    const auto money = parse_amount(line.text, currency(line.currency));
    ASSERT_TRUE(money.has_value()) << line.text;
    EXPECT_EQ(money->minor, line.minor) << line.text;
    EXPECT_EQ(format_amount(*money), line.back);
  }
}

TEST(Money, Any_other_form_of_an_amount_is_refused) {
  for (const char* text :
       {"", "-", ".", ".5", "5.", "1.234", "+1", " 1", "1 ", "1,50", "1e3", "0x1", "--1", "1.-5",
        "1.2.3", "92233720368547758.08", "99999999999999999999"}) {
    EXPECT_FALSE(parse_amount(text, currency("EUR")).has_value()) << "'" << text << "'";
  }
  EXPECT_FALSE(parse_amount("1.0", currency("JPY")).has_value());
  EXPECT_FALSE(parse_amount("1", currency("ZZZ")).has_value());
}

TEST(Money, What_no_payment_can_have_counts_as_zero_and_unknown_currencies_share_a_row) {
  EXPECT_EQ(counted_value(testing::eur(5)), 5);
  EXPECT_EQ(counted_value(testing::eur(-5)), 0);
  EXPECT_EQ(counted_value(testing::eur(kAmountMax)), kAmountMax);
  EXPECT_EQ(counted_value(testing::eur(kAmountMax + 1)), 0);
  EXPECT_EQ(counted_value({5, currency("ZZZ")}), 0);
  EXPECT_EQ(counted_currency(currency("ZZZ")).text(), "XXX");
}

TEST(Sum, A_sum_does_not_overflow_where_64_bits_would) {
  Sum sum;
  for (int i = 0; i < 4; ++i) {
    sum += kMax;
  }
  EXPECT_EQ(to_string(sum), "36893488147419103228");
  EXPECT_FALSE(sum.narrow().has_value());
  EXPECT_EQ(Sum(sum.high(), sum.low()), sum);
  for (int i = 0; i < 8; ++i) {
    sum -= kMax;
  }
  EXPECT_EQ(to_string(sum), "-36893488147419103228");
  EXPECT_EQ(Sum(sum.high(), sum.low()), sum);
  EXPECT_LT(sum, Sum{});
  EXPECT_EQ(to_string(Sum(-7)), "-7");
  EXPECT_EQ(Sum(kMin).narrow(), kMin);
  // As a damaged row may have it.
  const Sum largest(kMax, ~std::uint64_t{0});
  EXPECT_EQ(largest + Sum(1), Sum(kMin, 0));
  EXPECT_EQ(Sum(kMin, 0) - Sum(1), largest);
}

TEST(Ids, An_account_id_is_up_to_34_letters_digits_and_marks) {
  EXPECT_EQ(testing::account("DE89370400440532013000").text(), "DE89370400440532013000");
  EXPECT_TRUE(AccountId::parse(std::string(34, 'a')).has_value());
  for (const std::string& text :
       {std::string(), std::string(35, 'a'), std::string("a b"), std::string("a/b"),
        std::string("\xc3\xa4"), std::string("a\0b", 3)}) {
    EXPECT_FALSE(AccountId::parse(text).has_value()) << text;
  }
}

TEST(Ids, A_suspense_account_is_reserved) {
  EXPECT_EQ(AccountId::suspense(currency("EUR")).text(), "suspense:EUR");
  EXPECT_TRUE(testing::account("suspense:EUR").reserved());
  EXPECT_FALSE(testing::account("suspense").reserved());
}

TEST(Ids, A_value_date_is_none_or_a_day_of_the_calendar) {
  for (const std::int32_t date : {0, 20260228, 20240229, 19000101}) {
    EXPECT_TRUE(is_valid(ValueDate(date))) << date;
  }
  for (const std::int32_t date : {1, -1, 20260229, 20261301, 20260100, 18991231, 30000101}) {
    EXPECT_FALSE(is_valid(ValueDate(date))) << date;
  }
}

TEST(Day, Days_and_minutes_have_a_text_that_is_read_back) {
  EXPECT_EQ(day_text(day_of({1'795'000'000'000})), "2026-11-18");
  EXPECT_EQ(minute_text(minute_of({1'795'000'000'000})), "2026-11-18T11:06Z");
  EXPECT_EQ(day_of({-1}), -1);
  EXPECT_EQ(minute_text(-1), "1969-12-31T23:59Z");
  EXPECT_TRUE(minute_text(std::numeric_limits<std::int64_t>::min()).ends_with("T05:52Z"));
  for (const std::int64_t minute : {0, 1, -1, 29'916'666}) {
    EXPECT_EQ(parse_minute(minute_text(minute)), minute);
  }
  for (const char* text : {"", "2026-11-1", "2026-13-01", "2026-02-30", "2026-11-18T24:00Z",
                           "2026-11-18T11:06", "2026-11-18T11:06Z "}) {
    EXPECT_FALSE(parse_minute(text).has_value()) << text;
  }
}

}  // namespace
}  // namespace kpay::core
