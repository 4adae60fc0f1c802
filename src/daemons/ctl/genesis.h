// Genesis: decides which changelog partitions get their first record, of which lineage (R19).
//
// A changelog that is empty while others hold records has lost its own: then nothing is written,
// ever. Pure; the topics command looks at the brokers and writes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "stream/changelog.h"

namespace kpay::ctl {

/// One partition of one stage's changelog.
struct ChangelogView {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::optional<stream::OpenMarker> first{};  ///< nothing when empty, or it is no open marker
  stream::Identity expected{};  ///< of today's cluster and topics; its lineage counts for nothing

  [[nodiscard]] bool empty_from_the_beginning() const noexcept { return end == 0; }
};

/// One partition of a topic that is some stage's input.
struct InputView {
  std::string topic;
  std::int32_t partition = 0;
  std::int64_t end = 0;
};

struct GenesisDecision {
  std::vector<std::size_t> missing;  ///< places in the list of changelogs
  std::optional<Uuid> lineage;       ///< that of the others; nothing: a new one
};

/// Errors: conflict, naming the first partition that says no.
[[nodiscard]] Result<GenesisDecision> decide_genesis(const std::vector<ChangelogView>& changelogs,
                                                     const std::vector<InputView>& inputs);

/// The record.
[[nodiscard]] Bytes genesis_record(const ChangelogView& changelog, const Uuid& lineage,
                                   const stream::Logic& logic, const std::string& build);

}  // namespace kpay::ctl
