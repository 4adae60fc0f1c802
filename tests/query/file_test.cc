// A journey's hops as bytes, and in which order news about a payment may come.
#include <gtest/gtest.h>

#include "query/journey.h"
#include "query/limits.h"

namespace kpay::query {
namespace {

Hop hop(What what, std::int64_t ms, std::int64_t offset) {
  Hop made;
  made.what = what;
  made.appended_ms = ms;
  made.place = {audit::Topic::inflight, 2, offset, 3};
  made.stage = what == What::command ? 0 : 1;
  made.cause = what == What::command ? audit::Place{} : audit::Place{{}, 1, offset - 1, 0};
  made.refusal = what == What::refund ? core::Refusal::account_closed : core::Refusal::none;
  return made;
}

TEST(Hops, AreReadAsTheyWereWritten) {
  Journey journey;
  journey.add(hop(What::refund, 1795366435200, 1LL << 40));
  journey.add(hop(What::command, 1795366435000, 1));
  journey.add(hop(What::debit, 1795366435100, 200));
  std::vector<Hop> read;
  std::uint64_t more = 0;
  ASSERT_TRUE(decode(encode(journey.hops, 5), read, more));
  EXPECT_EQ(read, journey.hops);
  EXPECT_EQ(more, 5U);
  EXPECT_EQ(read.front().what, What::command) << "in the order of time";
}

TEST(Hops, BytesThatAreNoneAreRefused) {
  Journey journey;
  journey.add(hop(What::command, 1, 1));
  Bytes bytes = encode(journey.hops, 0);
  std::vector<Hop> read;
  std::uint64_t more = 0;
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode(ByteView(bytes).first(size), read, more)) << size;
  }
  bytes[0] = std::byte{2};
  EXPECT_FALSE(decode(bytes, read, more));
}

TEST(Journey, KeepsSoManyHopsAndCountsTheRest) {
  Journey journey;
  for (std::size_t i = 0; i < limits::hops_max + 10; ++i) {
    journey.add(hop(What::command, static_cast<std::int64_t>(i), static_cast<std::int64_t>(i)));
  }
  EXPECT_EQ(journey.hops.size(), limits::hops_max);
  EXPECT_EQ(journey.more_hops, 10U);
}

TEST(Journey, TheFirstEndStandsWhateverComesAfter) {
  Journey journey;
  journey.advance(Status::rejected, core::Refusal::id_from_the_future, 5);
  EXPECT_EQ(journey.status, Status::rejected);
  journey.advance(Status::in_flight, core::Refusal::none, 6);
  EXPECT_EQ(journey.status, Status::in_flight);
  EXPECT_EQ(journey.finished_ms, 0);
  journey.advance(Status::completed, core::Refusal::none, 7);
  journey.advance(Status::rejected, core::Refusal::exists_with_different_content, 8);
  journey.advance(Status::failed, core::Refusal::exceeds_balance, 9);
  EXPECT_EQ(journey.status, Status::completed);
  EXPECT_EQ(journey.refusal, core::Refusal::none);
  EXPECT_EQ(journey.finished_ms, 7);
}

}  // namespace
}  // namespace kpay::query
