#include "daemons/ctl/amounts.h"

#include <gtest/gtest.h>

namespace kpay::ctl {
namespace {

TEST(Amounts, AreReadExactlyOrNotAtAll) {
  EXPECT_EQ(amount_in("12.34", "EUR")->minor, 1234);
  EXPECT_EQ(amount_in("-1", "EUR")->minor, -100);
  EXPECT_EQ(amount_in("7", "JPY")->minor, 7);
  for (const auto& [amount, currency] :
       {std::pair("12.345", "EUR"), std::pair("1,00", "EUR"), std::pair("1", "EURO"),
        std::pair("1", "QQQ"), std::pair("", "EUR"), std::pair("99999999999999999999", "EUR")}) {
    EXPECT_EQ(amount_in(amount, currency).error().code, ErrorCode::invalid) << amount;
  }
}

TEST(Amounts, AreShownWithAllDecimalsAtAnySize) {
  EXPECT_EQ(amount_text("5", "EUR"), "0.05");
  EXPECT_EQ(amount_text("-1234", "EUR"), "-12.34");
  EXPECT_EQ(amount_text("1234", "JPY"), "1234");
  EXPECT_EQ(amount_text("170141183460469231731687303715884105727", "EUR"),
            "1701411834604692317316873037158841057.27");
}

TEST(Ids, AreMadeWhenNoneIsGivenAndReadOtherwise) {
  EXPECT_TRUE(id_in("")->is_v7());
  EXPECT_EQ(to_string(*id_in("01A20477-34A1-7830-AE43-E1E4F39965F4")),
            "01a20477-34a1-7830-ae43-e1e4f39965f4");
  EXPECT_EQ(id_in("7").error().code, ErrorCode::invalid);
}

TEST(Dates, AreOfTheCalendar) {
  EXPECT_EQ(date_in("2026-11-22")->value(), 20261122);
  EXPECT_EQ(date_in("")->value(), 0);
  for (const char* wrong : {"2026-02-30", "22.11.2026", "2026-11-2", "2026/11/22"}) {
    EXPECT_EQ(date_in(wrong).error().code, ErrorCode::invalid) << wrong;
  }
}

}  // namespace
}  // namespace kpay::ctl
