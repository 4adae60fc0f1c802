#include "base/utf8.h"

#include <gtest/gtest.h>

namespace kpay {
namespace {

TEST(Utf8, IsWhatRfc3629SaysAndNothingElse) {
  for (const char* right : {"", "rent", "M\xc3\xbcnchen", "\xe2\x82\xac", "\xf0\x9f\x92\xb6",
                            "\xf4\x8f\xbf\xbf", "\xed\x9f\xbf"}) {
    EXPECT_TRUE(is_utf8(right)) << right;
  }
  for (const char* wrong : {"M\xfcnchen", "\xc3", "\xc0\x80", "\xe0\x9f\xbf", "\xed\xa0\x80",
                            "\xf4\x90\x80\x80", "\x80", "\xff"}) {
    EXPECT_FALSE(is_utf8(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace kpay
