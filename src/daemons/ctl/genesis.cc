#include "daemons/ctl/genesis.h"

namespace kpay::ctl {

namespace {

std::string name_of(const ChangelogView& view) {
  return view.topic + "/" + std::to_string(view.partition);
}

// What is wrong with a changelog that holds (or held) records; empty when nothing is.
std::string fault_of(const ChangelogView& view, const std::optional<Uuid>& lineage) {
  if (view.begin == view.end) {
    return "its " + std::to_string(view.end) + " records were deleted";
  }
  if (!view.first) {
    return "its first record, at offset " + std::to_string(view.begin) +
           ", is neither genesis nor an open marker";
  }
  const stream::Identity& identity = view.first->identity;
  if (identity.cluster_id != view.expected.cluster_id) {
    return "it belongs to cluster " + identity.cluster_id + ", this is " + view.expected.cluster_id;
  }
  if (identity.partitions != view.expected.partitions) {
    return "it was begun with " + std::to_string(identity.partitions) + " partitions, not " +
           std::to_string(view.expected.partitions);
  }
  if (identity.topic_ids != view.expected.topic_ids) {
    return "a topic of its stage was deleted, or made anew, after it was begun";
  }
  if (lineage && identity.lineage != *lineage) {
    return "it is of lineage " + to_string(identity.lineage) + ", others are of " +
           to_string(*lineage);
  }
  return {};
}

Unexpected refused(const std::string& what) {
  return Unexpected(ErrorCode::conflict,
                    what +
                        "; restore the topics from a mirror or a backup, or begin a new "
                        "generation of topics under another prefix");
}

// Who holds records that an empty changelog can't go with; empty when nobody does.
std::string holder(const std::vector<ChangelogView>& changelogs,
                   const std::vector<InputView>& inputs) {
  for (const ChangelogView& view : changelogs) {
    if (view.end > 1) {
      return name_of(view) + " (" + std::to_string(view.end) + ")";
    }
  }
  for (const InputView& view : inputs) {
    if (view.end > 0) {
      return view.topic + "/" + std::to_string(view.partition) + " (" + std::to_string(view.end) +
             ")";
    }
  }
  return {};
}

}  // namespace

Result<GenesisDecision> decide_genesis(const std::vector<ChangelogView>& changelogs,
                                       const std::vector<InputView>& inputs) {
  GenesisDecision decision;
  for (std::size_t i = 0; i < changelogs.size(); ++i) {
    const ChangelogView& view = changelogs[i];
    if (view.empty_from_the_beginning()) {
      decision.missing.push_back(i);
      continue;
    }
    if (const std::string fault = fault_of(view, decision.lineage); !fault.empty()) {
      return refused("changelog " + name_of(view) + ": " + fault);
    }
    decision.lineage = view.first->identity.lineage;
  }
  if (decision.missing.empty()) {
    return decision;
  }
  if (const std::string other = holder(changelogs, inputs); !other.empty()) {
    return refused("changelog " + name_of(changelogs[decision.missing.front()]) +
                   " is empty while others hold records, as " + other +
                   ": its records were deleted");
  }
  return decision;
}

Bytes genesis_record(const ChangelogView& changelog, const Uuid& lineage,
                     const stream::Logic& logic, const std::string& build) {
  stream::OpenMarker genesis;
  genesis.kind = stream::OpenMarker::Kind::genesis;
  genesis.identity = changelog.expected;
  genesis.identity.lineage = lineage;
  genesis.owner = "kpayctl";
  genesis.build = build;
  genesis.logic = logic;
  return stream::encode(genesis);
}

}  // namespace kpay::ctl
