#include "daemons/gateway/view.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "daemons/gateway/watcher.h"

namespace kpay::gateway {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kNow = 1'795'366'435'000;

Json task(const char* stage, int partition, const char* phase, int lag) {
  return {{"stage", stage},  {"partition", partition}, {"phase", phase},
          {"position", 100}, {"end", 100 + lag},       {"lag", lag},
          {"events", 500},   {"lag_seconds", 0.5},     {"dead_letters", 2}};
}

std::string status(const char* instance, std::int64_t at_ms, const Json& tasks,
                   const char* phase = "running") {
  return Json{{"instance", instance},
              {"daemon", "kpay-account"},
              {"phase", phase},
              {"at_ms", at_ms},
              {"tasks", tasks}}
      .dump();
}

Json account_stage(const Seen& seen, std::int32_t partitions, Overall& overall) {
  for (const Json& stage : Json::parse(stages_json(seen, partitions, kNow, overall))) {
    if (stage["stage"] == "account") {
      return stage;
    }
  }
  return {};
}

TEST(View, APartitionIsShownAtItsLiveOwnerAndNamedWhenItHasNone) {
  Seen seen;
  seen.status["account-1"] =
      status("account-1", kNow - 60'000, Json::array({task("account", 0, "running", 5)}));
  seen.status["account-2"] =
      status("account-2", kNow - 500, Json::array({task("account", 0, "running", 7)}));
  seen.status["account-3"] =
      status("account-3", kNow - 60'000, Json::array({task("account", 1, "running", 0)}));
  seen.paces[{"account", 0}] = {kNow, 500, 12.34};
  Overall overall;
  const Json stage = account_stage(seen, 3, overall);
  EXPECT_EQ(stage["partitions"][0]["instance"], "account-2");
  EXPECT_EQ(stage["partitions"][0]["lag"], 7);
  EXPECT_EQ(stage["partitions"][0]["events_per_s"], 12.3);
  EXPECT_EQ(stage["partitions"][1]["phase"], "unserved") << "its owner is silent";
  EXPECT_EQ(stage["partitions"][2]["phase"], "unserved") << "nobody ever had it";
  std::vector<std::string> missing;
  for (const std::string& each : overall.missing) {
    if (each.starts_with("account/")) {
      missing.push_back(each);
    }
  }
  EXPECT_EQ(missing, (std::vector<std::string>{"account/1", "account/2"}));
}

TEST(View, HeldTasksAndDeadLettersAreCounted) {
  Seen seen;
  seen.status["account-1"] =
      status("account-1", kNow,
             Json::array({task("account", 0, "held", 0), task("account", 1, "running", 0)}));
  Overall overall;
  (void)account_stage(seen, 2, overall);
  EXPECT_EQ(overall.held, 1U);
  EXPECT_EQ(overall.dead_letters, 4U);
}

TEST(View, WindowsOfSeveralTasksAreMergedNotAveraged) {
  core::Histogram fast;
  core::Histogram slow;
  for (int i = 0; i < 99; ++i) {
    fast.add(10);
  }
  slow.add(900);
  const auto row = [](const core::Histogram& histogram, int count) {
    return ctl::Row{"2026-11-22T16:53Z", Json{{"latency_ms_histogram", to_string(histogram)},
                                              {"failed_count", 3},
                                              {"EUR.completed_count", count},
                                              {"EUR.completed_value", 100 * count}}
                                             .dump()};
  };
  Totals totals;
  ASSERT_TRUE(take_window(totals, row(fast, 99)));
  ASSERT_TRUE(take_window(totals, row(slow, 1)));
  const Json window = Json::parse(windows_json(totals))[0];
  EXPECT_EQ(window["latency_ms"]["count"], 100);
  EXPECT_EQ(window["latency_ms"]["p50"], 10);
  EXPECT_EQ(window["latency_ms"]["max"], 900);
  EXPECT_EQ(window["failed"], 6);
  EXPECT_EQ(window["completed"]["EUR"]["value"], "100.00");
  EXPECT_EQ(Json::parse(latency_json(totals))["p90"], 10);
  EXPECT_FALSE(take_window(totals, {"2026-11-22T16:54Z", "{}"}));
}

TEST(View, DebitedMoneyThatIsOnNoAccountYetIsInTransit) {
  Totals totals;
  totals.books.currencies["EUR"].in_transit += 1234;
  const Json shown = Json::parse(totals_json(totals))["currencies"]["EUR"]["in_transit"];
  EXPECT_EQ(shown["value"], "12.34");
  EXPECT_EQ(shown["value_minor"], "1234");
}

TEST(View, ADifferenceOfTablesThatAreOfTwoTimesIsNoMoneyBelowZero) {
  Totals totals;
  auto& euro = totals.books.currencies["EUR"];
  euro.in_flight = -1;
  euro.in_flight_value -= 20188;
  euro.in_transit -= 20188;
  const Json shown = Json::parse(totals_json(totals))["currencies"]["EUR"];
  EXPECT_EQ(shown["in_flight"]["count"], 0);
  EXPECT_EQ(shown["in_flight"]["value_minor"], "0");
  EXPECT_EQ(shown["in_transit"]["value_minor"], "0");
}

TEST(View, TotalsOfAnySizeStayExact) {
  const core::Sum sum(std::numeric_limits<std::int64_t>::max(),
                      std::numeric_limits<std::uint64_t>::max());
  const Json tally = Json::parse(tally_json("EUR", 3, sum));
  EXPECT_EQ(tally["value_minor"], "170141183460469231731687303715884105727");
  EXPECT_EQ(tally["value"], "1701411834604692317316873037158841057.27");
}

TEST(View, OnlyTheDayItselfIsToday) {
  Totals totals;
  totals.day = "2026-11-22";
  const std::string fields = Json{{"confirmed_count", 2}, {"confirmed_value", 700}}.dump();
  EXPECT_TRUE(take_day(totals, {"2026-11-22/EUR", fields}));
  EXPECT_TRUE(take_day(totals, {"2026-11-22/EUR", fields}));
  EXPECT_TRUE(take_day(totals, {"2026-11-23/EUR", fields}));
  EXPECT_EQ(totals.today.at("EUR").confirmed.count, 4U);
  EXPECT_FALSE(take_day(totals, {"nonsense", fields}));
}

Totals totals_at(std::int64_t at_ms, std::uint64_t completed) {
  Totals totals;
  totals.at_ms = at_ms;
  totals.books.currencies["EUR"].confirmed = completed;
  return totals;
}

TEST(View, RatesComeFromTwoTotalsOfTheSameParts) {
  EXPECT_EQ(rates_of(totals_at(1000, 10), totals_at(3000, 110)).completed_per_s, 50);
  EXPECT_EQ(rates_of(totals_at(0, 0), totals_at(3000, 110)).completed_per_s, 0) << "the first one";
  Totals partial = totals_at(1000, 10);
  partial.missing = {"settle/0"};
  EXPECT_EQ(rates_of(partial, totals_at(3000, 110)).completed_per_s, 0)
      << "what came back would look like a burst";
  EXPECT_EQ(rates_of(totals_at(1000, 110), totals_at(3000, 10)).completed_per_s, 0);
}

TEST(Books, TheLightIsGreenOnlyWhenTwoLooksAgreeAndAllIsThere) {
  ctl::ShownBooks books;
  books.settled = true;
  books.currencies["EUR"].balances = core::Sum(100);
  EXPECT_EQ(books_state(books), "unbalanced");
  books.currencies["EUR"].opening = core::Sum(100);
  EXPECT_EQ(books_state(books), "balanced");
  books.settled = false;
  EXPECT_EQ(books_state(books), "moving");
  books.missing = {"account/0"};
  EXPECT_EQ(books_state(books), "partial");
}

// Threads of the gateway read these: what one throws ends the process.
TEST(View, ARecordOfAnotherShapeIsNoInstance) {
  std::string deep = R"({"instance":"deep","daemon":"kpay-load","at_ms":1,"load":)";
  deep += std::string(100'000, '[') + std::string(100'000, ']') + "}";
  Seen seen;
  seen.status["deep"] = deep;
  seen.status["other"] = status("account-1", kNow, Json::array({task("account", 0, "running", 5)}));
  seen.status["wrong"] =
      R"({"instance":"wrong","address":5,"build":[],"config_hash":null,)"
      R"("at_ms":-9223372036854775808,"tasks":[{"stage":7,"partition":0,"events":1},)"
      R"({"stage":"account","partition":4294967296}]})";
  for (const auto& [id, json] : seen.status) {
    note_paces(seen.paces, json);
  }
  Overall overall;
  EXPECT_EQ(account_stage(seen, 1, overall)["partitions"][0]["phase"], "unserved");
  const Json instances = Json::parse(instances_json(seen, kNow));
  ASSERT_EQ(instances.size(), 1U);
  EXPECT_EQ(instances[0]["instance"], "wrong");
  EXPECT_EQ(instances[0]["address"], "");
  EXPECT_TRUE(Json::parse(load_json(seen, kNow))["instances"].empty());
}

TEST(View, APipelineThatNobodyPausedIsWantedRunning) {
  Seen seen;
  seen.status["inflight-1"] =
      status("inflight-1", kNow, Json::array({task("intake", 0, "running", 0)}));
  const Json control = Json::parse(control_json(seen, 1, kNow));
  EXPECT_EQ(control["desired"], "running");
  EXPECT_TRUE(control["reached"].get<bool>());
  seen.state["pipeline"] = R"({"desired":"paused","reason":"lunch","owner":"ada","at_ms":5})";
  const Json paused = Json::parse(control_json(seen, 1, kNow));
  EXPECT_EQ(paused["desired"], "paused");
  EXPECT_EQ(paused["owner"], "ada");
  EXPECT_FALSE(paused["reached"].get<bool>());
  EXPECT_NE(paused["missing"].get<std::string>().find("intake/0"), std::string::npos);
}

}  // namespace
}  // namespace kpay::gateway
