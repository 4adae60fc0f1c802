#include "base/uuid.h"

#include <gtest/gtest.h>

#include <set>

namespace kpay {
namespace {

TEST(R12Uuid, Version7CarriesItsCreationTime) {
  const Timestamp time{0x0123456789ab};
  const Uuid uuid =
      make_uuid_v7(time, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff});
  EXPECT_TRUE(uuid.is_v7());
  EXPECT_EQ(uuid.created(), time);
  EXPECT_EQ(to_string(uuid), "01234567-89ab-7fff-bfff-ffffffffffff");
  EXPECT_EQ(to_string(make_uuid_v7(time, {})), "01234567-89ab-7000-8000-000000000000");
}

TEST(R12Uuid, LaterIdsSortLater) {
  EXPECT_LT(make_uuid_v7({1000}, {0xff}), make_uuid_v7({1001}, {0x00}));
}

TEST(Uuid, IsReadInBothCasesAndWrittenInLower) {
  const auto uuid = parse_uuid("0123ABCD-89ab-7fff-bfff-0123456789aB");
  ASSERT_TRUE(uuid);
  EXPECT_EQ(to_string(*uuid), "0123abcd-89ab-7fff-bfff-0123456789ab");
}

TEST(Uuid, AnythingElseIsNone) {
  for (const char* text :
       {"", "0123abcd", "0123abcd-89ab-7fff-bfff-0123456789a",
        "0123abcd-89ab-7fff-bfff-0123456789ab0", "0123abcd089ab-7fff-bfff-0123456789ab",
        "0123abcg-89ab-7fff-bfff-0123456789ab", "{123abcd-89ab-7fff-bfff-0123456789ab",
        "0123abcd-89ab-7fff-bfff--123456789ab"}) {
    EXPECT_FALSE(parse_uuid(text)) << text;
  }
  EXPECT_FALSE(uuid_from_bytes(as_bytes("fifteen bytes..")));
  EXPECT_TRUE(uuid_from_bytes(as_bytes("sixteen bytes...")));
}

TEST(Uuid, NewOnesDiffer) {
  std::set<Uuid> seen;
  for (int i = 0; i < 100; ++i) {
    seen.insert(new_uuid_v4());
    seen.insert(new_uuid_v7());
  }
  EXPECT_EQ(seen.size(), 200U);
  EXPECT_FALSE(new_uuid_v4().is_v7());
  EXPECT_TRUE(new_uuid_v7().is_v7());
}

}  // namespace
}  // namespace kpay
