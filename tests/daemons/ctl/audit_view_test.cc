#include "daemons/ctl/audit_view.h"

#include <gtest/gtest.h>

namespace kpay::ctl {
namespace {

TEST(AuditView, WhatIsNoStatementIsSkipped) {
  for (const char* text :
       {"", "{", "[]", R"({"finding":{}})", R"({"state":1,"at_ms":1,"as_of_ms":1})",
        R"({"state":"conserved","at_ms":"1","as_of_ms":1})"}) {
    EXPECT_FALSE(parse_statement(text)) << text;
  }
}

TEST(AuditView, AStatementIsFreshForFifteenSeconds) {
  const std::optional<AuditStatement> said =
      parse_statement(R"({"state":"conserved","at_ms":1000,"as_of_ms":900})");
  ASSERT_TRUE(said);
  EXPECT_EQ(said->state, "conserved");
  EXPECT_EQ(said->as_of_ms, 900);
  EXPECT_TRUE(said->fresh(16'000));
  EXPECT_FALSE(said->fresh(16'001));
  EXPECT_FALSE(AuditStatement{}.fresh(0)) << "nobody said anything";
}

}  // namespace
}  // namespace kpay::ctl
