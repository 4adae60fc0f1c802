// What a record of accounts.changes says.
#include "daemons/journal/changes.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace kpay::journal {
namespace {

query::Change some() {
  query::Change change;
  change.account = "acc-7";
  change.posted_ms = 1'795'366'435'000;
  change.place = {audit::Topic::inflight, 3, 4711, 2};
  change.kind = audit::EntryKind::debit;
  change.delta = -1234;
  change.balance = core::Sum(8766);
  change.currency = *core::Currency::parse("EUR");
  change.id = Uuid{};
  change.id.bytes[0] = 1;
  return change;
}

TEST(Changes, ARecordSaysWhatTheAccountHasAndWhyItChanged) {
  const nlohmann::json json = nlohmann::json::parse(to_json(some()));
  const nlohmann::json wanted{{"account", "acc-7"},
                              {"currency", "EUR"},
                              {"balance", "87.66"},
                              {"balance_minor", "8766"},
                              {"amount", "-12.34"},
                              {"amount_minor", "-1234"},
                              {"kind", "debit"},
                              {"id", "01000000-0000-0000-0000-000000000000"},
                              {"posted_at_ms", 1'795'366'435'000},
                              {"partition", 3},
                              {"offset", 4711},
                              {"index", 2},
                              {"version", (4712LL << 16) + 2}};
  EXPECT_EQ(json, wanted);
}

TEST(Changes, VersionsGrowWithEachChangeAndReadersOfJsonTakeThemExactly) {
  const auto version = [](std::int64_t offset, std::uint32_t index) {
    return version_of({audit::Topic::inflight, 0, offset, index});
  };
  EXPECT_EQ(version(-1, 0), 0) << "what there was before";
  EXPECT_LT(version(-1, 0), version(0, 0));
  EXPECT_LT(version(0, 0), version(0, 1));
  EXPECT_LT(version(0, 65'535), version(1, 0));
  EXPECT_LT(version(100'000'000'000, 65'535), 1LL << 53);
}

TEST(Changes, WhatThereWasBeforeIsCarried) {
  query::Change change = some();
  change.place.offset = -1;
  change.place.index = 0;
  change.kind = audit::EntryKind::other;
  change.delta = 0;
  change.id = {};
  const nlohmann::json json = nlohmann::json::parse(to_json(change));
  EXPECT_EQ(json["kind"], "carried");
  EXPECT_EQ(json["version"], 0);
  EXPECT_TRUE(json["id"].is_null());
}

}  // namespace
}  // namespace kpay::journal
