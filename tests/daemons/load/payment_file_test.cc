// Files of payments: what a line has to be, and what a bad one says.
#include "daemons/load/payment_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kpay::load {
namespace {

using ::testing::HasSubstr;

// Each line as "id from to amount-minor currency date" or its problem.
std::vector<std::string> lines_of(std::string_view path, std::string_view text) {
  Result<PaymentFile> file = PaymentFile::open(path, text);
  if (!file) {
    return {file.error().message};
  }
  std::vector<std::string> seen;
  Result<FilePayment> line = FilePayment();
  while (file->next(line)) {
    const std::string number = std::to_string(file->line()) + ": ";
    if (!line) {
      seen.push_back(number + line.error().message);
      continue;
    }
    const core::Transfer transfer = line->whole();
    seen.push_back(number + line->id + " " + std::string(transfer.from.text()) + " " +
                   std::string(transfer.to.text()) + " " + std::to_string(transfer.amount.minor) +
                   std::string(transfer.amount.currency.text()) + " " +
                   std::to_string(transfer.value_date.value()) + std::string(transfer.reference));
  }
  return seen;
}

TEST(PaymentFile, columns_may_stand_in_any_order_and_fields_in_quotes) {
  EXPECT_THAT(lines_of("p.csv",
                       "\xef\xbb\xbf"
                       "currency,amount,to,from,id,reference\r\n"
                       "EUR,\"12.34\",b,a,p-1,\"rent, \"\"May\"\"\"\r\n\r\n"
                       "JPY,7,b,a,\"p-2\",\n"),
              testing::ElementsAre("2: p-1 a b 1234EUR 0rent, \"May\"", "4: p-2 a b 7JPY 0"));
}

TEST(PaymentFile, a_bad_line_says_what_is_wrong_and_the_rest_goes_on) {
  const std::vector<std::string> seen = lines_of("p.csv",
                                                 "id,from,to,amount,currency\n"
                                                 "p-1,a,b\n"
                                                 "p-2,a,b,1O.00,EUR\n"
                                                 "p-3,a,b,1.001,EUR\n"
                                                 "p-4,a b,b,1.00,EUR\n"
                                                 "p-5,a,b,1.00,QQQ\n"
                                                 ",a,b,1.00,EUR\n"
                                                 "\"p-7,a,b,1.00,EUR\n"
                                                 "p-8,a,b,1.00,EUR");
  ASSERT_EQ(seen.size(), 8U);
  EXPECT_THAT(seen[0], HasSubstr("3 fields, where the first line names 5"));
  EXPECT_THAT(seen[1], HasSubstr("amount \"1O.00\""));
  EXPECT_THAT(seen[2], HasSubstr("at most 2 decimals"));
  EXPECT_THAT(seen[3], HasSubstr("from \"a b\" is no account id"));
  EXPECT_THAT(seen[4], HasSubstr("currency \"QQQ\""));
  EXPECT_THAT(seen[5], HasSubstr("id is missing"));
  EXPECT_THAT(seen[6], HasSubstr("a quote isn't closed"));
  EXPECT_EQ(seen[7], "9: p-8 a b 100EUR 0");
}

// It would have been sent, and dead-lettered as undecodable.
TEST(PaymentFile, a_reference_that_is_not_utf8_is_a_bad_line) {
  const std::vector<std::string> seen = lines_of("p.csv",
                                                 "id,from,to,amount,currency,reference\n"
                                                 "p-1,a,b,1.00,EUR,M\xfcnchen\n"
                                                 "p-2,a,b,1.00,EUR,M\xc3\xbcnchen\n");
  ASSERT_EQ(seen.size(), 2U);
  EXPECT_THAT(seen[0], HasSubstr("reference is not UTF-8"));
  EXPECT_THAT(seen[1], HasSubstr("M\xc3\xbcnchen"));
}

TEST(PaymentFile, a_header_without_a_column_is_refused_by_name) {
  EXPECT_THAT(lines_of("p.csv", "id,from,to,currency\n"),
              testing::ElementsAre(HasSubstr("p.csv:1: the first line has to name the column "
                                             "\"amount\"")));
}

TEST(PaymentFile, numbers_of_json_keep_their_digits) {
  const std::vector<std::string> seen = lines_of(
      "p.ndjson",
      R"({"id": "p-1", "from": "a", "to": "b", "amount": 0.29, "currency": "EUR"})"
      "\n"
      R"({"id": 2, "from": "a", "to": "b", "amount": 90071992547409.93, "currency": "EUR"})"
      "\n"
      R"({"id": "p-3", "from": "a", "to": "b", "amount": "1.10", "currency": "EUR", "time": null})"
      "\n");
  EXPECT_THAT(seen, testing::ElementsAre("1: p-1 a b 29EUR 0", "2: 2 a b 9007199254740993EUR 0",
                                         "3: p-3 a b 110EUR 0"));
}

TEST(PaymentFile, bad_json_is_a_bad_line) {
  const std::vector<std::string> seen =
      lines_of("p.jsonl",
               "{\"id\": \n[1]\n{\"id\": {\"x\": 1}}\n{\"id\": \"a\", \"id\": \"b\"}\n7\n"
               R"({"id": "p", "from": "a", "to": "b", "amount": 1e2, "currency": "EUR"})"
               "\n");
  ASSERT_EQ(seen.size(), 6U);
  EXPECT_THAT(seen[0], HasSubstr("this is no JSON"));
  EXPECT_THAT(seen[1], HasSubstr("this is no JSON object"));
  EXPECT_THAT(seen[2], HasSubstr("\"id\" has to be text or a number"));
  EXPECT_THAT(seen[3], HasSubstr("\"id\" is there twice"));
  EXPECT_THAT(seen[4], HasSubstr("this is no JSON object"));
  EXPECT_THAT(seen[5], HasSubstr("amount \"1e2\""));
}

TEST(PaymentFile, the_format_shows_in_the_name_or_the_first_byte) {
  EXPECT_EQ(format_of("a.ndjson", "id,from"), FileFormat::ndjson);
  EXPECT_EQ(format_of("a.jsonl", ""), FileFormat::ndjson);
  EXPECT_EQ(format_of("a.txt", "{\"id\""), FileFormat::ndjson);
  EXPECT_EQ(format_of("a.csv", "{"), FileFormat::csv);
  EXPECT_EQ(format_of("a", "id,from"), FileFormat::csv);
}

TEST(PaymentFile, a_time_gives_its_date) {
  for (const char* text : {"2026-11-22", "2026-11-22T16:53:55Z", "2026-11-22 16:53:55.5+01:00"}) {
    const Result<core::ValueDate> date = value_date_of(text);
    ASSERT_TRUE(date) << text;
    EXPECT_EQ(date->value(), 20261122) << text;
  }
  for (const char* text : {"2026-02-30", "22.11.2026", "2026-11-22X", "2026-11-2", "0000-00-00"}) {
    EXPECT_FALSE(value_date_of(text)) << text;
  }
}

}  // namespace
}  // namespace kpay::load
