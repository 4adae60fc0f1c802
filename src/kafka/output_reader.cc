#include "kafka/output_reader.h"

#include <algorithm>

#include "kafka/topic_reader.h"

namespace kpay::kafka {

namespace {

constexpr int kAnswerMs = 10'000;
constexpr std::int64_t kClocksDifferMs = 60LL * 60 * 1000;

// Where each partition of an output is read: from that time on, to its end now.
Result<std::vector<PartitionRange>> ranges_since(TopicReader& reader, const std::string& topic,
                                                 std::int32_t partitions, Timestamp time) {
  Result<std::vector<PartitionRange>> ranges = reader.ranges(topic, partitions);
  if (!ranges) {
    return ranges;
  }
  Result<std::vector<std::optional<std::int64_t>>> offsets =
      reader.admin().offsets_since(topic, partitions, time, kAnswerMs);
  if (!offsets) {
    return Unexpected(offsets.error());
  }
  for (std::size_t p = 0; p < ranges->size(); ++p) {
    PartitionRange& range = (*ranges)[p];
    range.begin = std::max(range.begin, (*offsets)[p].value_or(range.end));
  }
  return ranges;
}

}  // namespace

Result<stream::SentNumbers> read_outputs(const ClientOptions& client,
                                         const stream::TopicTable& topics,
                                         const OutputQuestion& question) {
  Result<std::unique_ptr<TopicReader>> reader = TopicReader::connect(client);
  if (!reader) {
    return Unexpected(reader.error());
  }
  const stream::StageSpec& spec = question.spec;
  const std::string input = topics.full_name(topics.index_of(spec.input));
  std::optional<Timestamp> since;
  Result<void> read =
      (*reader)->read(input, {{question.partition, question.since, question.since + 1}},
                      [&](std::int32_t, const stream::LogRecord& record) {
                        since = record.appended;
                        return false;
                      });
  if (!read || !since) {
    return Unexpected(read ? ErrorCode::not_found : read.error().code,
                      input + ": the record at offset " + std::to_string(question.since) +
                          " can't be read" + (read ? "" : ": " + read.error().message));
  }
  const Timestamp from{since->ms - kClocksDifferMs};
  stream::OutputScan scan(spec, question.partition, question.lineage);
  const stream::TaskTopics places = topics.topics_for(spec);
  for (std::size_t output = 0; output < places.outputs.size(); ++output) {
    const std::string topic = topics.full_name(places.outputs[output]);
    Result<std::vector<PartitionRange>> ranges =
        ranges_since(**reader, topic, question.partitions, from);
    if (!ranges) {
      return Unexpected(ranges.error());
    }
    Result<void> scanned = (*reader)->read(
        topic, *ranges, [&](std::int32_t partition, const stream::LogRecord& record) {
          scan.take(output, partition, record.value);
          return true;
        });
    if (!scanned) {
      return Unexpected(scanned.error());
    }
  }
  return scan.found();
}

}  // namespace kpay::kafka
