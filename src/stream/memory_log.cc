#include "stream/memory_log.h"

#include "base/check.h"

namespace kpay::stream {

TopicIndex MemoryLog::create(std::int32_t partitions, const Uuid& id) {
  topics_.push_back({id, std::vector<Partition>(static_cast<std::size_t>(partitions))});
  return static_cast<TopicIndex>(topics_.size() - 1);
}

std::int64_t MemoryLog::append(TopicIndex topic, std::int32_t partition, ByteView key,
                               ByteView value) {
  Partition& log = topics_.at(topic).partitions.at(static_cast<std::size_t>(partition));
  log.records.push_back({now_, to_bytes(key), to_bytes(value)});
  return log.begin + static_cast<std::int64_t>(log.records.size()) - 1;
}

LogBounds MemoryLog::bounds(TopicIndex topic, std::int32_t partition) const {
  const Partition& log = topics_.at(topic).partitions.at(static_cast<std::size_t>(partition));
  return {log.begin, log.begin + static_cast<std::int64_t>(log.records.size())};
}

Result<std::optional<LogRecord>> MemoryLog::read(TopicIndex topic, std::int32_t partition,
                                                 std::int64_t offset) const {
  const Partition& log = topics_.at(topic).partitions.at(static_cast<std::size_t>(partition));
  if (offset < log.begin) {
    return Unexpected(ErrorCode::not_found, "offset " + std::to_string(offset) + " was deleted");
  }
  const auto place = static_cast<std::size_t>(offset - log.begin);
  if (place >= log.records.size()) {
    return std::optional<LogRecord>();
  }
  const Stored& stored = log.records[place];
  return std::optional(LogRecord{offset, stored.appended, stored.key, stored.value});
}

void MemoryLog::delete_before(TopicIndex topic, std::int32_t partition, std::int64_t offset) {
  Partition& log = topics_.at(topic).partitions.at(static_cast<std::size_t>(partition));
  while (log.begin < offset && !log.records.empty()) {
    log.records.pop_front();
    ++log.begin;
  }
}

void MemoryLog::lose_last(TopicIndex topic, std::int32_t partition) {
  Partition& log = topics_.at(topic).partitions.at(static_cast<std::size_t>(partition));
  check(!log.records.empty(), "a record that is lost was there");
  log.records.pop_back();
}

}  // namespace kpay::stream
