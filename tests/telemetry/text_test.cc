#include "telemetry/text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "telemetry/sensitive.h"

namespace kpay::telemetry {
namespace {

std::string json(std::string_view bytes) {
  std::string out;
  append_json_string(out, bytes);
  return out;
}
std::string logfmt(std::string_view bytes) {
  std::string out;
  append_logfmt_value(out, bytes);
  return out;
}

TEST(Text, JsonStringsEscapeWhatJsonEscapes) {
  EXPECT_EQ(json("a\"b\\c\n\r\t\x01\x7f"), R"("a\"b\\c\n\r\t\u0001\u007f")");
  EXPECT_EQ(json(std::string("\0x", 2)), R"("\u0000x")");
  EXPECT_EQ(json("Zürich € 😀"), "\"Zürich € 😀\"");
}

TEST(Text, BytesThatAreNotUtf8BecomeTheReplacementCharacter) {
  EXPECT_EQ(json("a\xff"), "\"a\uFFFD\"");
  EXPECT_EQ(json("\xc0\xaf"), "\"\uFFFD\uFFFD\"");                      // overlong
  EXPECT_EQ(json("\xed\xa0\x80"), "\"\uFFFD\uFFFD\uFFFD\"");            // a surrogate
  EXPECT_EQ(json("\xf4\x90\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\"");  // above U+10FFFF
  EXPECT_EQ(json("\xe2\x82"), "\"\uFFFD\uFFFD\"");                      // cut short
}

TEST(Text, AnyBytesGiveJsonThatAParserReads) {
  std::mt19937 random(7);
  for (int round = 0; round < 20'000; ++round) {
    std::string bytes(random() % 24, ' ');
    for (char& c : bytes) {
      c = static_cast<char>(random());
    }
    const auto parsed = nlohmann::json::parse(json(bytes), nullptr, false);
    ASSERT_FALSE(parsed.is_discarded());
    ASSERT_EQ(json(parsed.get<std::string>()), json(bytes));
  }
}

TEST(Text, LogfmtValuesAreBareWhereTheyCanBe) {
  EXPECT_EQ(logfmt("a-b.c/d:e"), "a-b.c/d:e");
  EXPECT_EQ(logfmt(""), "\"\"");
  EXPECT_EQ(logfmt("a b"), "\"a b\"");
  EXPECT_EQ(logfmt("a=b"), "\"a=b\"");
  EXPECT_EQ(logfmt("a\nb"), "\"a\\nb\"");
}

TEST(Text, NumbersAreShortAndExact) {
  EXPECT_EQ(number_text(0), "0");
  EXPECT_EQ(number_text(-3), "-3");
  EXPECT_EQ(number_text(0.0025), "0.0025");
  EXPECT_EQ(number_text(1e300), "1e+300");
  EXPECT_EQ(number_text(std::numeric_limits<double>::infinity()), "+Inf");
  EXPECT_EQ(number_text(std::nan("")), "NaN");
}

TEST(Sensitive, PrintsAsItsMaskAndMovesWithoutLeavingACopy) {
  Sensitive password(std::string("hunter2-hunter2-hunter2-hunter2"));
  std::ostringstream out;
  out << password;
  EXPECT_EQ(out.str(), "***");
  const Sensitive moved = std::move(password);
  EXPECT_EQ(moved.reveal(), "hunter2-hunter2-hunter2-hunter2");
  EXPECT_TRUE(password.empty());  // NOLINT: what a moved-from secret holds is the point
}

}  // namespace
}  // namespace kpay::telemetry
