// The planted defect is there when asked for, in the library that is never shipped.
#include <gtest/gtest.h>

#include <cstdlib>

#include "stages/flow.h"

namespace kpay::stages {
namespace {

std::int64_t bob_after_1001_payments() {
  testing::Flow flow(1);
  flow.write_and_run(testing::open(5001, "alice", 100'000));
  flow.write_and_run(testing::open(5002, "bob", 0));
  for (std::uint32_t i = 0; i < 1001; ++i) {
    flow.write_and_run(testing::submit(i, 1));
  }
  EXPECT_EQ(flow.sum("settle", "totals", "EUR", "completed_count"), 1001);
  return std::stoll(flow.row("account", "accounts", "bob")["balance_minor"]);
}

TEST(Planted, A_lost_credit_is_lost_only_when_asked_for) {
  ::unsetenv("KPAY_PLANTED_BUG");
  EXPECT_EQ(bob_after_1001_payments(), 1001);
  ::setenv("KPAY_PLANTED_BUG", "lost-credit", 1);
  EXPECT_EQ(bob_after_1001_payments(), 1000);
  ::unsetenv("KPAY_PLANTED_BUG");
}

}  // namespace
}  // namespace kpay::stages
