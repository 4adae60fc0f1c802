// TrimJournals: what the journals need of the stages' inputs, so that it isn't trimmed (R20).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "daemons/ctl/trim.h"

namespace kpay::ctl {

/// Where a journal goes on after a restart, by input; as it says on ops.audit (docs/audit.md).
struct KeptByJournal {
  std::string instance;
  std::map<std::string, std::vector<std::int64_t>> offsets;
};

/// What the newest statement of each journal that keeps its state says, but for the forgotten ones.
[[nodiscard]] Result<std::vector<KeptByJournal>> read_journals(
    const tool::Reached& reached, const std::vector<std::string>& forgotten);

/// Adds them to those that read a partition of an input.
void add_journals(std::vector<InputReader>& readers, const std::vector<KeptByJournal>& journals,
                  const std::string& input, std::size_t partition);

}  // namespace kpay::ctl
