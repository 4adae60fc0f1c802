#include "daemons/topics/topic_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "stages/specs.h"

namespace kpay::topics {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<TopicShape> plan(std::int32_t partitions, std::int32_t replication) {
  return wanted_topics(stages::all_specs(), {partitions, replication});
}

const TopicShape& topic(const std::vector<TopicShape>& topics, const std::string& name) {
  for (const TopicShape& each : topics) {
    if (each.name == name) {
      return each;
    }
  }
  ADD_FAILURE() << "no topic " << name;
  return topics.front();
}

TEST(TopicPlan, HasEveryTopicOnceByName) {
  std::vector<std::string> names;
  for (const TopicShape& each : plan(12, 3)) {
    names.push_back(each.name);
  }
  EXPECT_THAT(
      names,
      ElementsAre("accounts.changes", "control.state", "control.status", "metadata", "ops.audit",
                  "ops.dlq", "ops.errors", "ops.lineage", "ops.logs", "payments.complete",
                  "payments.confirmed", "payments.failed", "payments.incoming", "payments.inflight",
                  "state.account.changelog", "state.confirmed.changelog", "state.intake.changelog",
                  "state.settle.changelog", "state.throughput.changelog"));
}

TEST(TopicPlan, EveryTopicHasTheLogsTimeAndNoUncleanLeader) {
  for (const TopicShape& each : plan(12, 3)) {
    EXPECT_THAT(each.settings, AllOf(Contains(Pair("message.timestamp.type", "LogAppendTime")),
                                     Contains(Pair("unclean.leader.election.enable", "false")),
                                     Contains(Pair("min.insync.replicas", "2"))))
        << each.name;
  }
}

TEST(TopicPlan, OneReplicaNeedsOneInSync) {
  for (const TopicShape& each : plan(4, 1)) {
    EXPECT_THAT(each.settings, Contains(Pair("min.insync.replicas", "1"))) << each.name;
    EXPECT_EQ(each.replication, 1);
  }
}

TEST(TopicPlan, WhatStagesReadAndTheirStateIsNeverDeletedByAgeOrSize) {
  const std::vector<TopicShape> topics = plan(12, 3);
  for (const char* name :
       {"payments.incoming", "payments.inflight", "payments.complete", "ops.dlq",
        "state.intake.changelog", "state.account.changelog", "state.settle.changelog",
        "state.confirmed.changelog", "state.throughput.changelog"}) {
    EXPECT_THAT(topic(topics, name).settings, AllOf(Contains(Pair("cleanup.policy", "delete")),
                                                    Contains(Pair("retention.ms", "-1")),
                                                    Contains(Pair("retention.bytes", "-1"))))
        << name;
    EXPECT_EQ(topic(topics, name).partitions, 12) << name;
  }
}

TEST(TopicPlan, PublicTopicsAreKeptForAWeekAndControlTopicsCompacted) {
  const std::vector<TopicShape> topics = plan(12, 3);
  for (const char* name : {"payments.confirmed", "payments.failed"}) {
    EXPECT_THAT(topic(topics, name).settings, Contains(Pair("retention.ms", "604800000")));
    EXPECT_EQ(topic(topics, name).partitions, 12);
  }
  for (const char* name : {"control.state", "control.status", "metadata"}) {
    EXPECT_THAT(topic(topics, name).settings, Contains(Pair("cleanup.policy", "compact")));
    EXPECT_EQ(topic(topics, name).partitions, 1);
  }
}

TEST(TopicPlan, OversizedCommandsStillReachIntake) {
  const std::vector<TopicShape> topics = plan(12, 3);
  EXPECT_THAT(topic(topics, "payments.incoming").settings,
              Contains(Pair("max.message.bytes", "4194304")));
  EXPECT_THAT(topic(topics, "payments.inflight").settings,
              Contains(Pair("max.message.bytes", "2097152")));
}

TEST(TopicDifferences, NothingDiffersFromThePlanItself) {
  EXPECT_THAT(differences(plan(4, 1), plan(4, 1)), IsEmpty());
}

TEST(TopicDifferences, SettingsNobodyAskedForAreLeftAlone) {
  std::vector<TopicShape> seen = plan(4, 1);
  seen[0].settings["segment.jitter.ms"] = "7";
  EXPECT_THAT(differences(plan(4, 1), seen), IsEmpty());
}

TEST(TopicDifferences, AMissingTopicIsCreatedAndAWrongSettingChanged) {
  std::vector<TopicShape> seen = plan(4, 1);
  seen.erase(seen.begin());
  seen[0].settings["cleanup.policy"] = "delete";
  const std::vector<TopicDifference> found = differences(plan(4, 1), seen);
  ASSERT_EQ(found.size(), 2U);
  EXPECT_EQ(found[0].kind, TopicDifference::Kind::missing);
  EXPECT_EQ(describe(found[0], "kpay."), "kpay.accounts.changes: to be created");
  EXPECT_EQ(found[1].kind, TopicDifference::Kind::setting);
  EXPECT_EQ(describe(found[1], "kpay."), "kpay.control.state: cleanup.policy delete → compact");
  EXPECT_TRUE(found[0].fixable() && found[1].fixable());
}

TEST(TopicDifferences, AnotherPartitionCountCanNotBeFixed) {
  const std::vector<TopicDifference> found = differences(plan(6, 1), plan(4, 1));
  ASSERT_FALSE(found.empty());
  for (const TopicDifference& each : found) {
    EXPECT_EQ(each.kind, TopicDifference::Kind::partitions);
    EXPECT_FALSE(each.fixable());
    EXPECT_EQ(each.from, "4");
    EXPECT_EQ(each.to, "6");
  }
}

// The settings with which a daemon must not start, and the ones that are an operator's choice.
TEST(ContractFault, IsWhatWouldLoseOrMisdateARecord) {
  struct Case {
    const char* topic;
    const char* setting;
    const char* value;
    bool fault;
  };
  for (const Case& each :
       {Case{"payments.inflight", "message.timestamp.type", "CreateTime", true},
        Case{"payments.inflight", "cleanup.policy", "compact", true},
        Case{"payments.inflight", "cleanup.policy", "compact,delete", true},
        Case{"payments.inflight", "retention.ms", "604800000", true},
        Case{"payments.inflight", "retention.bytes", "1000000000", true},
        Case{"payments.inflight", "max.message.bytes", "1048588", true},
        Case{"payments.inflight", "max.message.bytes", "8388608", false},
        Case{"payments.inflight", "unclean.leader.election.enable", "true", true},
        Case{"payments.inflight", "segment.bytes", "1073741824", false},
        Case{"payments.inflight", "min.insync.replicas", "3", false},
        Case{"state.account.changelog", "retention.ms", "86400000", true},
        Case{"ops.dlq", "cleanup.policy", "compact", true},
        Case{"payments.confirmed", "retention.ms", "86400000", false},
        Case{"payments.confirmed", "message.timestamp.type", "CreateTime", true}}) {
    TopicShape seen = topic(plan(4, 1), each.topic);
    seen.settings[each.setting] = each.value;
    const std::string fault = contract_fault(stages::all_specs(), seen, "kpay.");
    EXPECT_EQ(!fault.empty(), each.fault) << each.topic << " " << each.setting << ": " << fault;
    if (each.fault) {
      EXPECT_THAT(fault, AllOf(HasSubstr("kpay." + seen.name), HasSubstr(each.setting),
                               HasSubstr(each.value)));
    }
  }
}

TEST(ContractFault, ThePlanHasNone) {
  for (const TopicShape& each : plan(12, 3)) {
    EXPECT_EQ(contract_fault(stages::all_specs(), each, "kpay."), "");
  }
}

}  // namespace
}  // namespace kpay::topics
