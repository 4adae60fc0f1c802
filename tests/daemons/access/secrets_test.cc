#include "daemons/access/secrets.h"

#include <gtest/gtest.h>

#include <set>

#include "base/bytes.h"

namespace kpay::access {
namespace {

TEST(Secrets, APasswordIsKnownByItsHashAndAnotherOneIsNot) {
  const std::string hash = hash_password("correct horse");
  EXPECT_TRUE(is_password_hash(hash));
  EXPECT_EQ(hash.find("correct"), std::string::npos);
  EXPECT_TRUE(is_password("correct horse", hash));
  EXPECT_FALSE(is_password("correct horsf", hash));
  EXPECT_FALSE(is_password("", hash));
  EXPECT_NE(hash_password("correct horse"), hash) << "each has a salt of its own";
}

TEST(Secrets, AHashThatWouldEatTheMachineIsNone) {
  const std::string tail = "$" + std::string(32, 'a') + "$" + std::string(64, 'b');
  EXPECT_TRUE(is_password_hash("scrypt$32768$8$1" + tail));
  for (const char* wrong :
       {"scrypt$1073741824$8$1", "scrypt$32768$64$1", "scrypt$32768$8$99", "scrypt$32767$8$1",
        "scrypt$0$8$1", "scrypt$32768$8", "bcrypt$32768$8$1", "scrypt$-1$8$1"}) {
    EXPECT_FALSE(is_password_hash(wrong + tail)) << wrong;
  }
  EXPECT_FALSE(is_password_hash("scrypt$32768$8$1$" + std::string(32, 'a') + "$bb"));
}

// RFC 6234's example of SHA-256.
TEST(Secrets, TheDigestIsSha256) {
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Secrets, RandomOnesDifferAndFitACookie) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const std::string secret = random_secret();
    EXPECT_EQ(secret.size(), 43U);
    EXPECT_EQ(secret.find_first_of("+/=;, \""), std::string::npos);
    EXPECT_TRUE(seen.insert(secret).second);
  }
  EXPECT_EQ(random_password().size(), 23U);
  EXPECT_NE(random_password(), random_password());
}

}  // namespace
}  // namespace kpay::access
