#include "kafka/ends.h"

#include <map>

namespace kpay::kafka {

namespace {

using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Deleter<rd_kafka_AdminOptions_destroy>>;

}  // namespace

Result<std::int64_t> listed_offset(const rd_kafka_topic_partition_t& answer,
                                   const std::string& doing) {
  const std::string what = doing + " " + answer.topic + "/" + std::to_string(answer.partition);
  if (answer.err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(answer.err, what));
  }
  if (answer.offset == RD_KAFKA_OFFSET_INVALID) {
    return Unexpected(ErrorCode::unavailable, what + ": its leader has not answered");
  }
  return answer.offset;
}

Result<std::vector<std::int64_t>> ends_of(rd_kafka_t* client,
                                          const std::vector<std::string>& topics,
                                          std::int32_t partitions, int timeout_ms) {
  const auto count_of_all = static_cast<int>(topics.size()) * partitions;
  const PartitionListHandle list(rd_kafka_topic_partition_list_new(count_of_all));
  std::map<std::string, std::size_t> places;
  for (const std::string& topic : topics) {
    const std::size_t place = places.size() * static_cast<std::size_t>(partitions);
    places.emplace(topic, place);
    for (std::int32_t p = 0; p < partitions; ++p) {
      rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset =
          RD_KAFKA_OFFSET_SPEC_LATEST;
    }
  }
  const AdminOptions options(rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_LISTOFFSETS));
  char text[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, text, sizeof text);
  const QueueHandle queue(rd_kafka_queue_new(client));
  rd_kafka_ListOffsets(client, list.get(), options.get(), queue.get());
  const EventHandle event(rd_kafka_queue_poll(queue.get(), timeout_ms));
  if (!event || rd_kafka_event_type(event.get()) != RD_KAFKA_EVENT_LISTOFFSETS_RESULT) {
    return Unexpected(ErrorCode::unavailable, "no broker has said where the topics end");
  }
  if (const auto code = rd_kafka_event_error(event.get()); code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(code, "ends of topics"));
  }
  std::size_t count = 0;
  const rd_kafka_ListOffsetsResultInfo_t** infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event.get()), &count);
  std::vector<std::int64_t> ends(static_cast<std::size_t>(count_of_all), -1);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t* each =
        rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    const Result<std::int64_t> end = listed_offset(*each, "end of");
    if (!end) {
      return Unexpected(end.error());
    }
    ends[places.at(each->topic) + static_cast<std::size_t>(each->partition)] = *end;
  }
  return ends;
}

}  // namespace kpay::kafka
