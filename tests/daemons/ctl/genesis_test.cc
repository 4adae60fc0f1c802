#include "daemons/ctl/genesis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stream/changelog_reader.h"

namespace kpay::ctl {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const Uuid kLineage = *parse_uuid("11111111-1111-4111-8111-111111111111");
const Uuid kOther = *parse_uuid("22222222-2222-4222-8222-222222222222");

stream::Identity identity(const Uuid& lineage) {
  return {"cluster", lineage, 2, {kLineage, kOther}};
}

ChangelogView empty_changelog(std::int32_t partition) {
  ChangelogView view{"kpay.state.account.changelog", partition};
  view.expected = identity({});
  return view;
}

ChangelogView begun(std::int32_t partition, std::int64_t end, const Uuid& lineage = kLineage) {
  ChangelogView view = empty_changelog(partition);
  view.end = end;
  view.first.emplace();
  view.first->identity = identity(lineage);
  return view;
}

std::string refusal(const std::vector<ChangelogView>& changelogs,
                    const std::vector<InputView>& inputs = {}) {
  const Result<GenesisDecision> decision = decide_genesis(changelogs, inputs);
  if (decision) {
    ADD_FAILURE() << "genesis was allowed";
    return {};
  }
  EXPECT_EQ(decision.error().code, ErrorCode::conflict);
  return decision.error().message;
}

TEST(Genesis, ANewSystemGetsItInEveryPartition) {
  const Result<GenesisDecision> decision =
      decide_genesis({empty_changelog(0), empty_changelog(1)}, {{"kpay.payments.incoming", 0, 0}});
  ASSERT_TRUE(decision);
  EXPECT_THAT(decision->missing, ElementsAre(0, 1));
  EXPECT_FALSE(decision->lineage);
}

TEST(Genesis, ACrashInTheMiddleOfWritingIsFinishedWithTheSameLineage) {
  const Result<GenesisDecision> decision =
      decide_genesis({begun(0, 1), empty_changelog(1)}, {{"kpay.payments.incoming", 0, 0}});
  ASSERT_TRUE(decision);
  EXPECT_THAT(decision->missing, ElementsAre(1));
  EXPECT_EQ(decision->lineage, kLineage);
}

TEST(Genesis, ARunningSystemNeedsNothing) {
  const Result<GenesisDecision> decision =
      decide_genesis({begun(0, 500), begun(1, 400)}, {{"kpay.payments.incoming", 0, 900}});
  ASSERT_TRUE(decision);
  EXPECT_THAT(decision->missing, IsEmpty());
}

TEST(Genesis, AnEmptyChangelogAmongOthersThatHoldRecordsIsRefused) {
  EXPECT_THAT(refusal({begun(0, 500), empty_changelog(1)}),
              AllOf(HasSubstr("kpay.state.account.changelog/1 is empty while others hold records"),
                    HasSubstr("its records were deleted"), HasSubstr("restore")));
}

TEST(Genesis, AnEmptyChangelogBesideInputThatHoldsRecordsIsRefused) {
  EXPECT_THAT(refusal({empty_changelog(0)}, {{"kpay.payments.inflight", 3, 17}}),
              HasSubstr("kpay.payments.inflight/3 (17)"));
}

TEST(Genesis, AChangelogWhoseRecordsAreAllGoneIsRefused) {
  ChangelogView trimmed = empty_changelog(0);
  trimmed.begin = trimmed.end = 40;
  EXPECT_THAT(refusal({trimmed}), HasSubstr("its 40 records were deleted"));
}

TEST(Genesis, AFirstRecordThatIsNoOpenMarkerIsRefused) {
  ChangelogView garbage = empty_changelog(0);
  garbage.end = 3;
  EXPECT_THAT(refusal({garbage}), HasSubstr("neither genesis nor an open marker"));
}

TEST(Genesis, ATopicMadeAnewUnderItsOldNameIsRefused) {
  ChangelogView view = begun(0, 5);
  view.expected.topic_ids[0] = Uuid{};
  EXPECT_THAT(refusal({view}), HasSubstr("made anew"));
}

TEST(Genesis, TwoLineagesAreRefused) {
  EXPECT_THAT(refusal({begun(0, 1, kLineage), begun(1, 1, kOther)}), HasSubstr("others are of"));
}

TEST(Genesis, AnotherClusterIsRefused) {
  ChangelogView view = begun(0, 5);
  view.expected.cluster_id = "elsewhere";
  EXPECT_THAT(refusal({view}), HasSubstr("belongs to cluster cluster"));
}

TEST(Genesis, TheRecordIsReadBackAsGenesis) {
  const Bytes record = genesis_record(empty_changelog(0), kLineage, {7, {1, 2}}, "build");
  stream::ChangelogReader reader(false);
  EXPECT_EQ(reader.feed(0, record), stream::Verdict::opened);
  EXPECT_TRUE(reader.from_genesis());
  EXPECT_EQ(reader.open().identity, identity(kLineage));
  EXPECT_EQ(reader.open().logic, (stream::Logic{7, {1, 2}}));
}

}  // namespace
}  // namespace kpay::ctl
