#include "daemons/access/sessions.h"

#include <gtest/gtest.h>

#include "daemons/access/limits.h"

namespace kpay::access {
namespace {

using std::chrono::milliseconds;

TEST(Sessions, AreKnownByTheirSecretAloneAndEndWhenTold) {
  Sessions sessions(milliseconds(100), milliseconds(1000));
  const std::string secret = sessions.begin("ann", "stamp", 0);
  const std::string other = sessions.begin("ann", "stamp", 0);
  EXPECT_NE(secret, other);
  ASSERT_TRUE(sessions.find(secret, true, 1));
  EXPECT_EQ(sessions.find(secret, true, 1)->user, "ann");
  EXPECT_NE(sessions.find(secret, true, 1)->csrf, sessions.find(other, true, 1)->csrf);
  EXPECT_FALSE(sessions.find("guess", true, 1));
  sessions.end(secret);
  EXPECT_FALSE(sessions.find(secret, true, 2));
  EXPECT_TRUE(sessions.find(other, true, 2));
}

TEST(Sessions, AreOverWhenNobodyDidAnythingThoughTimersAsked) {
  Sessions sessions(milliseconds(100), milliseconds(1000));
  const std::string secret = sessions.begin("ann", "stamp", 0);
  EXPECT_TRUE(sessions.find(secret, true, 90));
  EXPECT_TRUE(sessions.find(secret, false, 180)) << "asked, and not used";
  EXPECT_FALSE(sessions.find(secret, false, 191));
  EXPECT_FALSE(sessions.find(secret, true, 191)) << "it doesn't come back";
}

TEST(Sessions, AreOverAfterTheirTimeWhateverWasDone) {
  Sessions sessions(milliseconds(100), milliseconds(250));
  const std::string secret = sessions.begin("ann", "stamp", 0);
  EXPECT_TRUE(sessions.find(secret, true, 90));
  EXPECT_TRUE(sessions.find(secret, true, 180));
  EXPECT_TRUE(sessions.find(secret, true, 250));
  EXPECT_FALSE(sessions.find(secret, true, 251));
}

TEST(Sessions, OfOneUserTheOneUnusedForLongestMakesRoom) {
  Sessions sessions(milliseconds(1'000'000), milliseconds(1'000'000));
  const std::string first = sessions.begin("ann", "stamp", 0);
  const std::string of_bob = sessions.begin("bob", "stamp", 0);
  for (std::size_t i = 0; i < limits::sessions_per_user_max; ++i) {
    (void)sessions.begin("ann", "stamp", static_cast<std::int64_t>(i) + 1);
  }
  EXPECT_FALSE(sessions.find(first, true, 100));
  EXPECT_TRUE(sessions.find(of_bob, true, 100));
  EXPECT_EQ(sessions.size(), limits::sessions_per_user_max + 1);
}

}  // namespace
}  // namespace kpay::access
