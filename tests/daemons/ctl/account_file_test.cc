#include "daemons/ctl/account_file.h"

#include <gtest/gtest.h>

#include <sstream>

namespace kpay::ctl {
namespace {

TEST(AccountFile, ReadsLinesAndSkipsHeadingCommentsAndEmptyOnes) {
  std::istringstream in("id,currency,opening\n# mine\n\nalice,EUR,100.00\r\nbob,JPY,5\n");
  const AccountFile file = read_accounts(in);
  ASSERT_EQ(file.accounts.size(), 2U);
  EXPECT_EQ(file.accounts[0].account.text(), "alice");
  EXPECT_EQ(file.accounts[0].opening.minor, 10'000);
  EXPECT_EQ(file.accounts[1].opening.minor, 5);
  EXPECT_TRUE(file.bad.empty());
}

TEST(AccountFile, TellsABadLineByItsNumberAndGoesOn) {
  std::istringstream in("a,EUR\nb b,EUR,1\nc,EU,1\nd,EUR,1.001\ne,EUR,1,2\nf,EUR,0\n");
  const AccountFile file = read_accounts(in);
  ASSERT_EQ(file.accounts.size(), 1U);
  EXPECT_EQ(file.accounts[0].account.text(), "f");
  ASSERT_EQ(file.bad.size(), 5U);
  EXPECT_EQ(file.bad[0].problem, "is not id,currency,opening");
  EXPECT_EQ(file.bad[1].problem, "\"b b\" is no account id");
  EXPECT_EQ(file.bad[2].problem, "\"EU\" is no currency");
  EXPECT_EQ(file.bad[3].problem, "\"1.001\" is no amount in EUR");
  EXPECT_EQ(file.bad[4].line, 5U);
}

}  // namespace
}  // namespace kpay::ctl
