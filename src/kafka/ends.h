// Where partitions end, for who asks often: all of several topics in one request.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "kafka/client.h"

namespace kpay::kafka {

/// What ListOffsets says of a partition; the error begins with `doing`. A request that its leader
/// took to the grave leaves the client's result without an error and the offset invalid: that is
/// `unavailable` here, never an offset. -1 is one: nothing is there since the time asked for.
Result<std::int64_t> listed_offset(const rd_kafka_topic_partition_t& answer,
                                   const std::string& doing);

/// The offset after the last record of each partition, topic by topic: of the first topic's
/// partitions 0 to `partitions` - 1, then of the second's. Errors: not_found, unavailable.
Result<std::vector<std::int64_t>> ends_of(rd_kafka_t* client,
                                          const std::vector<std::string>& topics,
                                          std::int32_t partitions, int timeout_ms);

}  // namespace kpay::kafka
