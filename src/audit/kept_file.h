// KeptFile: the file in which an auditor's state lies between two starts: whose it is, the state,
// and a checksum over both. docs/audit.md has the layout.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/uuid.h"

namespace kpay::audit {

/// Changes with every change of what an auditor knows or how it judges: an older state is of no use
/// to a newer auditor, which begins at the log's beginning, or says that it can't.
inline constexpr std::uint32_t kKeptVersion = 2;

/// What a state is of.
struct KeptIdentity {
  std::string cluster_id;
  std::int32_t partitions = 0;
  std::vector<Uuid> topic_ids;  ///< of all topics that the auditor follows, in their order
};

[[nodiscard]] Bytes make_kept_file(const KeptIdentity& identity, ByteView state);

/// The state; a view into `file`. Errors: corrupt (damaged, cut off), conflict (of another version,
/// cluster, number of partitions, or of topics that were made anew).
[[nodiscard]] Result<ByteView> read_kept_file(const KeptIdentity& identity, ByteView file);

}  // namespace kpay::audit
