// Topics: looks at the cluster's topics, and makes them what the plan says (R19, R20).
#pragma once

#include <string>
#include <vector>

#include "daemons/ctl/genesis.h"
#include "daemons/tool/connection.h"
#include "daemons/topics/topic_plan.h"

namespace kpay::ctl {

using topics::describe;
using topics::TopicDifference;
using topics::TopicShape;
using topics::TopicSizes;

struct TopicsView {
  TopicSizes sizes;
  std::string cluster_id;
  std::vector<TopicShape> wanted;
  std::vector<TopicDifference> differences;
  std::vector<ChangelogView> changelogs;  ///< of topics that aren't there: empty
  std::vector<InputView> inputs;
};

/// Replication 0: that of the topics, or 3 (less if there are fewer brokers).
[[nodiscard]] Result<TopicsView> look(const tool::Connection& connection,
                                      kafka::TopicReader& reader, std::int32_t replication);

struct Applied {
  std::vector<TopicDifference> done;
  std::size_t genesis_written = 0;
  std::string lineage;
};

/// Creates, changes and writes genesis; run again after a crash, it finishes the same work.
/// Errors: conflict, before anything is changed, when the log says no.
[[nodiscard]] Result<Applied> apply(const tool::Connection& connection, kafka::TopicReader& reader,
                                    std::int32_t replication);

}  // namespace kpay::ctl
