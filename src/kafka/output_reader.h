// OutputReader: looks through a task's output topics for what it has sent (R23).
#pragma once

#include <string>

#include "base/result.h"
#include "kafka/client.h"
#include "stream/output_scan.h"
#include "stream/topics.h"

namespace kpay::kafka {

/// Which task, and from where on its outputs can have been caused.
struct OutputQuestion {
  stream::StageSpec spec;
  std::int32_t partition = 0;
  std::int32_t partitions = 0;
  Uuid lineage;
  std::int64_t since = 0;  ///< input offset
};

/// Reads every output's partitions from when the input record at `since` was appended, less an hour
/// for clocks that differ, to their ends. Errors: not_found (that record is gone), unavailable.
Result<stream::SentNumbers> read_outputs(const ClientOptions& client,
                                         const stream::TopicTable& topics,
                                         const OutputQuestion& question);

}  // namespace kpay::kafka
