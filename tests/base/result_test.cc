#include "base/result.h"

#include <gtest/gtest.h>

#include <memory>

#include "base/named.h"

namespace kpay {
namespace {

TEST(ResultOf, CarriesAValueOrAnError) {
  const Result<int> good = 3;
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, 3);
  const Result<int> bad = Unexpected(ErrorCode::io, "disk");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error(), (Error{ErrorCode::io, "disk"}));
  EXPECT_TRUE(Result<void>{});
  EXPECT_FALSE(Result<void>(Unexpected(ErrorCode::fenced, "")));
}

TEST(ResultOf, MovesOutWhatCannotBeCopied) {
  Result<std::unique_ptr<int>> made = std::make_unique<int>(4);
  const std::unique_ptr<int> taken = std::move(*made);
  EXPECT_EQ(*taken, 4);
}

TEST(ResultOfDeathTest, ReadingWhatIsNotThereAborts) {
  const Result<int> bad = Unexpected(ErrorCode::io, "disk");
  EXPECT_DEATH((void)*bad, "a Result that is read has a value");
  const Result<int> good = 1;
  EXPECT_DEATH((void)good.error(), "an error is read from a failed Result");
}

TEST(NamedOf, ValuesCompareAndNeverConvert) {
  using Id = Named<struct IdTag, int>;
  EXPECT_EQ(Id{3}, Id{3});
  EXPECT_LT(Id{3}, Id{4});
  static_assert(!std::is_convertible_v<int, Id> && !std::is_convertible_v<Id, int>);
}

TEST(ErrorCodes, HaveStableNames) {
  EXPECT_STREQ(to_string(ErrorCode::not_found), "not_found");
  EXPECT_STREQ(to_string(ErrorCode::corrupt), "corrupt");
  EXPECT_STREQ(to_string(ErrorCode::fenced), "fenced");
}

}  // namespace
}  // namespace kpay
