#include "daemons/tool/load_state.h"

#include <gtest/gtest.h>

#include "daemons/tool/duration.h"

namespace kpay::tool {
namespace {

LoadState running() {
  LoadState state;
  state.running = true;
  state.rate = 12.5;
  state.mix.accounts = 200;
  state.mix.distribution = "zipf";
  state.mix.bad_share = 0.01;
  state.mix.seed = 18'000'000'000'000'000'000U;
  state.until_ms = 1'795'366'435'000;
  state.reason = "a \"reason\"";
  state.owner = "ada";
  state.at_ms = 42;
  return state;
}

TEST(LoadState, WhatIsWrittenIsReadBack) {
  const Result<LoadState> read = parse_load_state(to_json(running()));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_TRUE(same_load(*read, running()));
  EXPECT_EQ(read->reason, "a \"reason\"");
  EXPECT_EQ(read->owner, "ada");
  EXPECT_EQ(read->at_ms, 42);
}

TEST(LoadState, OnlyWhatIsGeneratedMakesADifference) {
  LoadState other = running();
  other.owner = "bob";
  other.at_ms = 43;
  EXPECT_TRUE(same_load(running(), other));
  other.rate = 13;
  EXPECT_FALSE(same_load(running(), other));
  other = running();
  other.mix.seed = 2;
  EXPECT_FALSE(same_load(running(), other));
  other.running = false;
  EXPECT_FALSE(same_load(running(), other));
  EXPECT_TRUE(same_load(other, LoadState{}));
}

TEST(LoadState, NothingOrNoObjectIsStopped) {
  for (const char* json : {"", "7", "{", "[]", "{}", R"({"desired":"stopped","rate":"x"})"}) {
    const Result<LoadState> read = parse_load_state(json);
    ASSERT_TRUE(read) << json;
    EXPECT_FALSE(read->running) << json;
  }
}

TEST(LoadState, UnknownMembersAreIgnoredAndMissingOnesHaveTheirDefaults) {
  const Result<LoadState> read =
      parse_load_state(R"({"desired":"running","rate":5,"accounts":2,"colour":"red"})");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->mix.currency, "EUR");
  EXPECT_EQ(read->until_ms, 0);
}

TEST(LoadState, AWrongMemberIsNamed) {
  const std::pair<const char*, const char*> kCases[] = {
      {R"({"desired":"walking"})", "desired"},
      {R"({"desired":"running","accounts":2})", "rate"},
      {R"({"desired":"running","rate":-1,"accounts":2})", "rate"},
      {R"({"desired":"running","rate":"5","accounts":2})", "rate"},
      {R"({"desired":"running","rate":5})", "accounts"},
      {R"({"desired":"running","rate":5,"accounts":-3})", "accounts"},
      {R"({"desired":"running","rate":5,"accounts":4294967298})", "accounts"},
      {R"({"desired":"running","rate":5,"accounts":2,"until_ms":-4})", "until_ms"},
      {R"({"desired":"running","rate":5,"accounts":2,"currency":"euro"})", "euro"},
      {R"({"desired":"running","rate":5,"accounts":2,"currency":7})", "currency"},
      {R"({"desired":"running","rate":5,"accounts":2,"amount_max":"0.001"})", "0.001"},
      {R"({"desired":"running","rate":5,"accounts":2,"distribution":"normal"})", "normal"},
      {R"({"desired":"running","rate":5,"accounts":2,"zipf_s":"x"})", "exponent"},
      {R"({"desired":"running","rate":5,"accounts":2,"bad_share":2})", "bad"},
      {R"({"desired":"running","rate":5,"accounts":2,"seed":1.5})", "seed"},
  };
  for (const auto& [json, named] : kCases) {
    const Result<LoadState> read = parse_load_state(json);
    ASSERT_FALSE(read) << json;
    EXPECT_EQ(read.error().code, ErrorCode::invalid);
    EXPECT_NE(read.error().message.find(named), std::string::npos) << read.error().message;
  }
}

TEST(MixFlags, ExponentsHaveAtMostThreeDecimals) {
  EXPECT_EQ(*exponent_milli("1.1"), 1100U);
  EXPECT_EQ(*exponent_milli("2"), 2000U);
  EXPECT_EQ(*exponent_milli("0.075"), 75U);
  for (const char* text : {"", ".5", "1.2345", "-1", "x", "11", "1.x"}) {
    EXPECT_FALSE(exponent_milli(text)) << text;
  }
}

TEST(Duration, HasAUnitOrIsInSeconds) {
  EXPECT_EQ(*duration_ms("500ms"), 500);
  EXPECT_EQ(*duration_ms("60s"), 60'000);
  EXPECT_EQ(*duration_ms("60"), 60'000);
  EXPECT_EQ(*duration_ms("2m"), 120'000);
  EXPECT_EQ(*duration_ms("168h"), 604'800'000);
  EXPECT_EQ(*duration_ms("7d"), 604'800'000);
  for (const char* text : {"", "s", "-1s", "1.5s", "1 s", "1w", "367d", "99999999999999999999s"}) {
    EXPECT_FALSE(duration_ms(text)) << text;
  }
}

TEST(TimePoint, IsATimeOrHowLongAgo) {
  const Timestamp now{1'795'366'435'123};
  EXPECT_EQ(time_point("90m", now)->ms, now.ms - 5'400'000);
  EXPECT_EQ(to_rfc3339(*time_point("2026-11-22T16:53:55Z", now)), "2026-11-22T16:53:55.000Z");
  EXPECT_EQ(to_rfc3339(*time_point("2028-02-29T00:00:00.999Z", now)), "2028-02-29T00:00:00.000Z");
  EXPECT_FALSE(time_point("2028-02-29T00:00:00.9x9Z", now));
  EXPECT_FALSE(time_point("2028-02-29T00:00:00.Z", now));
  for (const char* text :
       {"", "yesterday", "2026-11-22", "2026-11-22T16:53:55", "2026-02-29T00:00:00Z",
        "2026-11-22T24:00:00Z", "2026-11-22T16:60:00Z", "2026-11-22T16:53:55xZ",
        "2026-11-22 16:53:55Z", "2026-1-22T16:53:55Z "}) {
    EXPECT_FALSE(time_point(text, now)) << text;
  }
}

}  // namespace
}  // namespace kpay::tool
