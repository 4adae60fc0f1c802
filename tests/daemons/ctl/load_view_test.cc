#include "daemons/ctl/load_view.h"

#include <gtest/gtest.h>

namespace kpay::ctl {
namespace {

constexpr std::int64_t kNow = 1'795'366'435'000;

LoadInstance instance(bool generating, double rate) {
  LoadInstance each;
  each.view.instance = "load-1";
  each.view.phase = "running";
  each.view.at_ms = kNow;
  each.allowed = true;
  each.generating = generating;
  each.rate = rate;
  return each;
}

tool::LoadState wanted(double rate) {
  tool::LoadState state;
  state.running = rate > 0;
  state.rate = rate;
  state.mix.accounts = 200;
  state.reason = "a test";
  state.owner = "ada";
  return state;
}

TEST(LoadView, AStatusOfALoadGeneratorIsRead) {
  const std::optional<LoadInstance> read = parse_load_instance(
      R"({"instance":"load-1","daemon":"kpay-load","phase":"running","at_ms":5,"state":"",
          "load":{"allowed":true,"generating":true,"rate":12.5,"sent":7}})");
  ASSERT_TRUE(read);
  EXPECT_TRUE(read->allowed);
  EXPECT_TRUE(read->generating);
  EXPECT_EQ(read->rate, 12.5);
  EXPECT_NE(read->load.find("\"sent\":7"), std::string::npos);
}

TEST(LoadView, OfAnotherDaemonOrShapeItIsNone) {
  for (const char* json : {"", "[]", R"({"instance":"account-1","daemon":"kpay-account"})",
                           R"({"daemon":"kpay-load"})"}) {
    EXPECT_FALSE(parse_load_instance(json)) << json;
  }
  const std::optional<LoadInstance> bare =
      parse_load_instance(R"({"instance":"l","daemon":"kpay-load","load":7})");
  ASSERT_TRUE(bare);
  EXPECT_FALSE(bare->allowed);
  EXPECT_EQ(bare->load, "{}");
}

TEST(LoadView, WhatIsMissingIsNamed) {
  const std::vector<std::tuple<std::vector<LoadInstance>, tool::LoadState, std::string>> cases = {
      {{}, wanted(0), ""},
      {{}, wanted(5), "no kpay-load serve is running"},
      {{instance(true, 5)}, wanted(5), ""},
      {{instance(true, 5)}, wanted(6), "load-1 still generates at 5"},
      {{instance(false, 0)}, wanted(5), "load-1 generates nothing yet"},
      {{instance(true, 5)}, wanted(0), "load-1 still generates"},
      {{instance(false, 0)}, wanted(0), ""},
  };
  for (const auto& [instances, state, missing] : cases) {
    EXPECT_EQ(missing_load(instances, state, kNow), missing);
  }
}

TEST(LoadView, StoppedAndSilentInstancesDontCount) {
  LoadInstance gone = instance(true, 5);
  gone.view.phase = "stopped";
  LoadInstance silent = instance(true, 5);
  silent.view.at_ms = kNow - kStaleMs - 1;
  EXPECT_EQ(missing_load({gone, silent}, wanted(0), kNow), "");
  EXPECT_EQ(missing_load({gone, silent}, wanted(5), kNow), "no kpay-load serve is running");
}

TEST(LoadView, WhereAnotherOneMayALockedInstanceDoesntCount) {
  LoadInstance locked = instance(false, 0);
  locked.allowed = false;
  locked.view.instance = "load-2";
  locked.view.state = "is locked";
  EXPECT_EQ(missing_load({locked, instance(true, 5)}, wanted(5), kNow), "");
  EXPECT_EQ(missing_load({locked}, wanted(5), kNow), "load-2 is locked");
}

TEST(LoadView, ALoadWhoseTimeIsOverIsAsWantedWhenNothingIsGenerated) {
  tool::LoadState state = wanted(5);
  state.until_ms = kNow;
  EXPECT_EQ(missing_load({instance(false, 0)}, state, kNow), "");
  EXPECT_EQ(missing_load({instance(true, 5)}, state, kNow), "load-1 still generates");
}

TEST(LoadView, ItIsSaidInOneLine) {
  EXPECT_EQ(text_of(wanted(0)), "stopped: a test (ada)");
  EXPECT_EQ(text_of(wanted(500)),
            "500 payments/s among 200 accounts acc-1.. in EUR, until it is stopped: a test (ada)");
}

}  // namespace
}  // namespace kpay::ctl
