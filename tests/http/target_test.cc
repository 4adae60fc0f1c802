#include "http/target.h"

#include <gtest/gtest.h>

namespace kpay::http {
namespace {

TEST(Target, IsSplitBeforeItIsDecoded) {
  const std::optional<Target> target =
      parse_target("/tables/accounts/a%2Fb%20c?limit=5&from=x+y%26");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->segments, (std::vector<std::string>{"tables", "accounts", "a/b c"}));
  EXPECT_EQ(target->query, (TextMap{{"limit", "5"}, {"from", "x y&"}}));
  EXPECT_EQ(target->path, "/tables/accounts/a%2Fb%20c");
}

TEST(Target, EmptyPartsAreDropped) {
  EXPECT_EQ(parse_target("/")->segments.size(), 0U);
  EXPECT_EQ(parse_target("//a//b/")->segments, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parse_target("/?a&&b=")->query, (TextMap{{"a", ""}, {"b", ""}}));
}

TEST(Target, WhatIsBrokenIsRefused) {
  for (const char* bad : {"", "a", "*", "http://x/", "/%", "/%4", "/%zz", "/a%00b", "/?a=1&a=2",
                          "/?a=%f", "/?%zz=1"}) {
    EXPECT_FALSE(parse_target(bad)) << bad;
  }
}

TEST(Target, EncodingAndDecodingAreInverse) {
  std::string bytes;
  for (int c = 1; c < 256; ++c) {
    bytes += static_cast<char>(c);
  }
  EXPECT_EQ(percent_decode(percent_encode(bytes), true), bytes);
  EXPECT_EQ(percent_encode("a/b c~"), "a%2Fb%20c~");
}

}  // namespace
}  // namespace kpay::http
