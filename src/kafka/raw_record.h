// RawRecord: a record as it stands in the log, with the headers that clients gave it: for tools
// that show it, and send it again, byte for byte.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"
#include "kafka/client.h"

namespace kpay::kafka {

/// Names and values in their order; a header may have no value.
using RecordHeaders = std::vector<std::pair<std::string, std::optional<Bytes>>>;

struct RawRecord {
  Timestamp appended;
  std::optional<Bytes> key;
  std::optional<Bytes> value;
  RecordHeaders headers;
};

/// Reads single records, wherever they are. Threads: one.
class RawReader {
 public:
  static Result<std::unique_ptr<RawReader>> connect(const ClientOptions& options);
  /// Gives the records at these offsets, which are in order, to `taker`; those that are gone are
  /// left out. Errors: unavailable, when nothing came for `stall_ms`.
  Result<void> read(const std::string& topic, std::int32_t partition,
                    const std::vector<std::int64_t>& offsets, int stall_ms,
                    const std::function<void(std::int64_t offset, RawRecord record)>& taker);

 private:
  RawReader() = default;
  Result<std::size_t> read_run(rd_kafka_topic_t* topic, std::int32_t partition,
                               const std::vector<std::int64_t>& offsets, std::size_t from,
                               int stall_ms,
                               const std::function<void(std::int64_t, RawRecord)>& taker);

  ClientEvents events_;
  KafkaHandle client_;
};

}  // namespace kpay::kafka
