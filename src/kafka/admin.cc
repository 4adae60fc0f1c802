#include "kafka/admin.h"

#include <cctype>
#include <chrono>
#include <thread>

#include "base/time.h"
#include "kafka/ends.h"

namespace kpay::kafka {

namespace {

using AdminOptions =
    std::unique_ptr<rd_kafka_AdminOptions_t, Deleter<rd_kafka_AdminOptions_destroy>>;

AdminOptions admin_options(rd_kafka_t* client, rd_kafka_admin_op_t operation, int timeout_ms) {
  AdminOptions options(rd_kafka_AdminOptions_new(client, operation));
  char text[256];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), timeout_ms, text, sizeof text);
  return options;
}

// As Kafka's own tools write it: "DescribeConfigs" for DESCRIBE_CONFIGS.
std::string operation_name(rd_kafka_AclOperation_t operation) {
  std::string name;
  bool upper = true;
  for (const char* at = rd_kafka_AclOperation_name(operation); *at != '\0'; ++at) {
    if (*at != '_') {
      name += static_cast<char>(upper ? std::toupper(*at) : std::tolower(*at));
    }
    upper = *at == '_';
  }
  return name;
}

std::set<std::string> names_of(const rd_kafka_AclOperation_t* operations, std::size_t count) {
  std::set<std::string> names;
  for (std::size_t i = 0; operations != nullptr && i < count; ++i) {
    names.insert(operation_name(operations[i]));
  }
  return names;
}

Error topic_error(const rd_kafka_topic_result_t* result, const std::string& doing) {
  const char* text = rd_kafka_topic_result_error_string(result);
  Error error = to_error(rd_kafka_topic_result_error(result),
                         doing + " " + rd_kafka_topic_result_name(result));
  if (text != nullptr) {
    error.message += std::string(" (") + text + ")";
  }
  return error;
}

constexpr std::chrono::milliseconds kBetweenAsks{200};

// What a broker answers that leads a partition no more, or not yet. The client's admin requests go
// by what it knew of leaders, and don't ask again by themselves.
bool is_of_a_move(rd_kafka_resp_err_t code) noexcept {
  switch (code) {
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION:
    case RD_KAFKA_RESP_ERR_REPLICA_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_KAFKA_STORAGE_ERROR:
    case RD_KAFKA_RESP_ERR_FENCED_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_LEADER_EPOCH:
    case RD_KAFKA_RESP_ERR_OFFSET_NOT_AVAILABLE: return true;
    default: return false;
  }
}

}  // namespace

Result<std::unique_ptr<Admin>> Admin::connect(const ClientOptions& options) {
  std::unique_ptr<Admin> admin(new Admin());
  admin->events_.on_reachable = [&text = admin->unreachable_](bool reachable,
                                                              const std::string& why) {
    text = reachable ? "" : why;
  };
  ClientBuilder builder(options);
  watch(builder, admin->events_);
  Result<KafkaHandle> client = builder.make(RD_KAFKA_PRODUCER);
  if (!client) {
    return Unexpected(client.error());
  }
  admin->client_ = std::move(*client);
  admin->queue_.reset(rd_kafka_queue_new(admin->client_.get()));
  return admin;
}

Result<EventHandle> Admin::wait(rd_kafka_event_type_t type, int timeout_ms,
                                const std::string& doing) {
  EventHandle event(rd_kafka_queue_poll(queue_.get(), timeout_ms + 1000));
  if (!event || rd_kafka_event_type(event.get()) != type) {
    return Unexpected(ErrorCode::unavailable, doing + ": no answer from the cluster in time");
  }
  if (const rd_kafka_resp_err_t code = rd_kafka_event_error(event.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Error error = to_error(code, doing);
    error.message += std::string(" (") + rd_kafka_event_error_string(event.get()) + ")";
    return Unexpected(error);
  }
  return event;
}

Result<std::string> Admin::cluster_id(int timeout_ms) {
  char* text = rd_kafka_clusterid(client_.get(), timeout_ms);
  if (text == nullptr) {
    // The client tells why only when it is polled, and this one has nothing else to poll for.
    while (rd_kafka_poll(client_.get(), 0) > 0) {
    }
    return Unexpected(ErrorCode::unavailable,
                      "no broker answered within " + std::to_string(timeout_ms) + " ms" +
                          (unreachable_.empty() ? "" : ": " + unreachable_));
  }
  std::string id(text);
  rd_kafka_mem_free(client_.get(), text);
  return id;
}

Result<int> Admin::brokers(int timeout_ms) {
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t code =
      rd_kafka_metadata(client_.get(), 0, nullptr, &metadata, timeout_ms);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(code, "metadata"));
  }
  const int count = metadata->broker_cnt;
  rd_kafka_metadata_destroy(metadata);
  return count;
}

Result<std::vector<TopicInfo>> Admin::describe(const std::vector<std::string>& names,
                                               int timeout_ms) {
  std::vector<const char*> pointers;
  for (const std::string& name : names) {
    pointers.push_back(name.c_str());
  }
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout_ms);
  rd_kafka_TopicCollection_t* topics =
      rd_kafka_TopicCollection_of_topic_names(pointers.data(), pointers.size());
  rd_kafka_DescribeTopics(client_.get(), topics, options.get(), queue_.get());
  rd_kafka_TopicCollection_destroy(topics);
  Result<EventHandle> event =
      wait(RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT, timeout_ms, "describe topics");
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_TopicDescription_t** found = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(event->get()), &count);
  std::vector<TopicInfo> infos;
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(found[i]);
    const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
    if (code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART) {
      continue;
    }
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Unexpected(
          to_error(code, std::string("describe ") + rd_kafka_TopicDescription_name(found[i])));
    }
    TopicInfo info;
    info.name = rd_kafka_TopicDescription_name(found[i]);
    info.id = to_uuid(rd_kafka_TopicDescription_topic_id(found[i]));
    std::size_t partitions = 0;
    const rd_kafka_TopicPartitionInfo_t** parts =
        rd_kafka_TopicDescription_partitions(found[i], &partitions);
    info.partitions = static_cast<std::int32_t>(partitions);
    if (partitions > 0) {
      std::size_t replicas = 0;
      (void)rd_kafka_TopicPartitionInfo_replicas(parts[0], &replicas);
      info.replication = static_cast<std::int32_t>(replicas);
    }
    infos.push_back(std::move(info));
  }
  return infos;
}

Result<std::set<std::string>> Admin::topic_operations(const std::string& topic, int timeout_ms) {
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBETOPICS, timeout_ms);
  (void)rd_kafka_AdminOptions_set_include_authorized_operations(options.get(), 1);
  const char* name = topic.c_str();
  rd_kafka_TopicCollection_t* topics = rd_kafka_TopicCollection_of_topic_names(&name, 1);
  rd_kafka_DescribeTopics(client_.get(), topics, options.get(), queue_.get());
  rd_kafka_TopicCollection_destroy(topics);
  Result<EventHandle> event =
      wait(RD_KAFKA_EVENT_DESCRIBETOPICS_RESULT, timeout_ms, "describe " + topic);
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_TopicDescription_t** found = rd_kafka_DescribeTopics_result_topics(
      rd_kafka_event_DescribeTopics_result(event->get()), &count);
  if (count != 1) {
    return Unexpected(ErrorCode::not_found, "describe " + topic + ": no answer about it");
  }
  const rd_kafka_error_t* error = rd_kafka_TopicDescription_error(found[0]);
  if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(rd_kafka_error_code(error), "describe " + topic));
  }
  const rd_kafka_AclOperation_t* operations =
      rd_kafka_TopicDescription_authorized_operations(found[0], &count);
  return names_of(operations, count);
}

Result<std::set<std::string>> Admin::group_operations(const std::string& group, int timeout_ms) {
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout_ms);
  (void)rd_kafka_AdminOptions_set_include_authorized_operations(options.get(), 1);
  const char* name = group.c_str();
  rd_kafka_DescribeConsumerGroups(client_.get(), &name, 1, options.get(), queue_.get());
  Result<EventHandle> event =
      wait(RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT, timeout_ms, "describe group " + group);
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** found = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event->get()), &count);
  if (count != 1) {
    return Unexpected(ErrorCode::not_found, "describe group " + group + ": no answer about it");
  }
  const rd_kafka_error_t* error = rd_kafka_ConsumerGroupDescription_error(found[0]);
  if (rd_kafka_error_code(error) != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(rd_kafka_error_code(error), "describe group " + group));
  }
  const rd_kafka_AclOperation_t* operations =
      rd_kafka_ConsumerGroupDescription_authorized_operations(found[0], &count);
  return names_of(operations, count);
}

Result<std::vector<GroupMember>> Admin::members(const std::string& group, const std::string& topic,
                                                int timeout_ms) {
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout_ms);
  const char* name = group.c_str();
  rd_kafka_DescribeConsumerGroups(client_.get(), &name, 1, options.get(), queue_.get());
  Result<EventHandle> event =
      wait(RD_KAFKA_EVENT_DESCRIBECONSUMERGROUPS_RESULT, timeout_ms, "describe group " + group);
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** found = rd_kafka_DescribeConsumerGroups_result_groups(
      rd_kafka_event_DescribeConsumerGroups_result(event->get()), &count);
  std::vector<GroupMember> members;
  if (count == 0 ||
      rd_kafka_ConsumerGroupDescription_state(found[0]) != RD_KAFKA_CONSUMER_GROUP_STATE_STABLE) {
    return members;
  }
  for (std::size_t i = 0; i < rd_kafka_ConsumerGroupDescription_member_count(found[0]); ++i) {
    const rd_kafka_MemberDescription_t* member =
        rd_kafka_ConsumerGroupDescription_member(found[0], i);
    const char* instance = rd_kafka_MemberDescription_group_instance_id(member);
    GroupMember& each = members.emplace_back();
    each.instance = instance == nullptr ? "" : instance;
    const rd_kafka_topic_partition_list_t* partitions =
        rd_kafka_MemberAssignment_partitions(rd_kafka_MemberDescription_assignment(member));
    for (int p = 0; partitions != nullptr && p < partitions->cnt; ++p) {
      if (topic == partitions->elems[p].topic) {
        each.partitions.push_back(partitions->elems[p].partition);
      }
    }
  }
  return members;
}

Result<std::map<std::string, std::string>> Admin::settings(const std::string& topic,
                                                           int timeout_ms) {
  return settings_of(RD_KAFKA_RESOURCE_TOPIC, topic, timeout_ms);
}

Result<std::map<std::string, std::string>> Admin::broker_settings(int timeout_ms) {
  const std::int32_t id = rd_kafka_controllerid(client_.get(), timeout_ms);
  if (id < 0) {
    return Unexpected(ErrorCode::unavailable, "settings of a broker: none answered in time");
  }
  return settings_of(RD_KAFKA_RESOURCE_BROKER, std::to_string(id), timeout_ms);
}

Result<std::map<std::string, std::string>> Admin::settings_of(rd_kafka_ResourceType_t type,
                                                              const std::string& name,
                                                              int timeout_ms) {
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout_ms);
  rd_kafka_ConfigResource_t* resource = rd_kafka_ConfigResource_new(type, name.c_str());
  rd_kafka_DescribeConfigs(client_.get(), &resource, 1, options.get(), queue_.get());
  rd_kafka_ConfigResource_destroy(resource);
  Result<EventHandle> event =
      wait(RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT, timeout_ms, "settings of " + name);
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources = rd_kafka_DescribeConfigs_result_resources(
      rd_kafka_event_DescribeConfigs_result(event->get()), &count);
  std::map<std::string, std::string> settings;
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[i]);
        code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Unexpected(to_error(code, "settings of " + name));
    }
    std::size_t entries = 0;
    const rd_kafka_ConfigEntry_t** each = rd_kafka_ConfigResource_configs(resources[i], &entries);
    for (std::size_t j = 0; j < entries; ++j) {
      const char* value = rd_kafka_ConfigEntry_value(each[j]);
      settings[rd_kafka_ConfigEntry_name(each[j])] = value == nullptr ? "" : value;
    }
  }
  return settings;
}

Result<void> Admin::create(const std::vector<NewTopic>& topics, int timeout_ms) {
  std::vector<rd_kafka_NewTopic_t*> wanted;
  for (const NewTopic& topic : topics) {
    char text[256];
    rd_kafka_NewTopic_t* each = rd_kafka_NewTopic_new(topic.name.c_str(), topic.partitions,
                                                      topic.replication, text, sizeof text);
    if (each == nullptr) {
      rd_kafka_NewTopic_destroy_array(wanted.data(), wanted.size());
      return Unexpected(ErrorCode::invalid, "topic " + topic.name + ": " + text);
    }
    for (const auto& [name, value] : topic.settings) {
      rd_kafka_NewTopic_set_config(each, name.c_str(), value.c_str());
    }
    wanted.push_back(each);
  }
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout_ms);
  rd_kafka_CreateTopics(client_.get(), wanted.data(), wanted.size(), options.get(), queue_.get());
  rd_kafka_NewTopic_destroy_array(wanted.data(), wanted.size());
  Result<EventHandle> event = wait(RD_KAFKA_EVENT_CREATETOPICS_RESULT, timeout_ms, "create topics");
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[i]);
    if (code != RD_KAFKA_RESP_ERR_NO_ERROR && code != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
      return Unexpected(topic_error(results[i], "create topic"));
    }
  }
  return {};
}

Result<void> Admin::change_settings(const std::string& topic, const Settings& settings,
                                    int timeout_ms) {
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_INCREMENTALALTERCONFIGS, timeout_ms);
  rd_kafka_ConfigResource_t* resource =
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str());
  for (const auto& [name, value] : settings) {
    rd_kafka_error_destroy(rd_kafka_ConfigResource_add_incremental_config(
        resource, name.c_str(), RD_KAFKA_ALTER_CONFIG_OP_TYPE_SET, value.c_str()));
  }
  rd_kafka_IncrementalAlterConfigs(client_.get(), &resource, 1, options.get(), queue_.get());
  rd_kafka_ConfigResource_destroy(resource);
  Result<EventHandle> event = wait(RD_KAFKA_EVENT_INCREMENTALALTERCONFIGS_RESULT, timeout_ms,
                                   "change settings of " + topic);
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_ConfigResource_t** resources = rd_kafka_IncrementalAlterConfigs_result_resources(
      rd_kafka_event_IncrementalAlterConfigs_result(event->get()), &count);
  for (std::size_t i = 0; i < count; ++i) {
    if (const rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resources[i]);
        code != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return Unexpected(to_error(code, "change settings of " + topic));
    }
  }
  return {};
}

Result<stream::LogBounds> Admin::bounds(const std::string& topic, std::int32_t partition,
                                        int timeout_ms) {
  stream::LogBounds bounds;
  const rd_kafka_resp_err_t code = rd_kafka_query_watermark_offsets(
      client_.get(), topic.c_str(), partition, &bounds.begin, &bounds.end, timeout_ms);
  if (code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(code, "bounds of " + topic + "/" + std::to_string(partition)));
  }
  return bounds;
}

Result<std::vector<std::int64_t>> Admin::list_offsets(const std::string& topic,
                                                      std::int32_t partitions, std::int64_t spec,
                                                      int timeout_ms) {
  const std::int64_t deadline_ms = monotonic_ms() + timeout_ms;
  for (;;) {
    bool moves = false;
    Result<std::vector<std::int64_t>> offsets =
        ask_offsets(topic, partitions, spec, timeout_ms, moves);
    if (offsets || !moves || monotonic_ms() >= deadline_ms) {
      return offsets;
    }
    std::this_thread::sleep_for(kBetweenAsks);
  }
}

Result<std::vector<std::int64_t>> Admin::ask_offsets(const std::string& topic,
                                                     std::int32_t partitions, std::int64_t spec,
                                                     int timeout_ms, bool& moves) {
  const std::string doing = "offsets of " + topic;
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_LISTOFFSETS, timeout_ms);
  const PartitionListHandle list(rd_kafka_topic_partition_list_new(partitions));
  for (std::int32_t partition = 0; partition < partitions; ++partition) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = spec;
  }
  rd_kafka_ListOffsets(client_.get(), list.get(), options.get(), queue_.get());
  Result<EventHandle> event = wait(RD_KAFKA_EVENT_LISTOFFSETS_RESULT, timeout_ms, doing);
  if (!event) {
    return Unexpected(event.error());
  }
  std::size_t count = 0;
  const rd_kafka_ListOffsetsResultInfo_t** infos =
      rd_kafka_ListOffsets_result_infos(rd_kafka_event_ListOffsets_result(event->get()), &count);
  std::vector<std::int64_t> offsets(static_cast<std::size_t>(partitions), -1);
  for (std::size_t i = 0; i < count; ++i) {
    const rd_kafka_topic_partition_t* each =
        rd_kafka_ListOffsetsResultInfo_topic_partition(infos[i]);
    const Result<std::int64_t> offset = listed_offset(*each, "offset of");
    if (!offset) {
      moves = each->err == RD_KAFKA_RESP_ERR_NO_ERROR || is_of_a_move(each->err);
      return Unexpected(offset.error());
    }
    offsets[static_cast<std::size_t>(each->partition)] = *offset;
  }
  return offsets;
}

Result<std::vector<stream::LogBounds>> Admin::bounds_of_all(const std::string& topic,
                                                            std::int32_t partitions,
                                                            int timeout_ms) {
  Result<std::vector<std::int64_t>> begins =
      list_offsets(topic, partitions, RD_KAFKA_OFFSET_SPEC_EARLIEST, timeout_ms);
  if (!begins) {
    return Unexpected(begins.error());
  }
  Result<std::vector<std::int64_t>> ends =
      list_offsets(topic, partitions, RD_KAFKA_OFFSET_SPEC_LATEST, timeout_ms);
  if (!ends) {
    return Unexpected(ends.error());
  }
  std::vector<stream::LogBounds> bounds;
  for (std::size_t i = 0; i < begins->size(); ++i) {
    bounds.push_back({(*begins)[i], (*ends)[i]});
  }
  return bounds;
}

Result<std::vector<std::optional<std::int64_t>>> Admin::offsets_since(const std::string& topic,
                                                                      std::int32_t partitions,
                                                                      Timestamp time,
                                                                      int timeout_ms) {
  Result<std::vector<std::int64_t>> found = list_offsets(topic, partitions, time.ms, timeout_ms);
  if (!found) {
    return Unexpected(found.error());
  }
  std::vector<std::optional<std::int64_t>> offsets;
  for (const std::int64_t offset : *found) {
    offsets.push_back(offset < 0 ? std::nullopt : std::optional(offset));
  }
  return offsets;
}

Result<void> Admin::delete_before(const std::string& topic, std::int32_t partition,
                                  std::int64_t offset, int timeout_ms) {
  const AdminOptions options =
      admin_options(client_.get(), RD_KAFKA_ADMIN_OP_DELETERECORDS, timeout_ms);
  const PartitionListHandle list(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), partition)->offset = offset;
  rd_kafka_DeleteRecords_t* request = rd_kafka_DeleteRecords_new(list.get());
  rd_kafka_DeleteRecords(client_.get(), &request, 1, options.get(), queue_.get());
  rd_kafka_DeleteRecords_destroy(request);
  Result<EventHandle> event =
      wait(RD_KAFKA_EVENT_DELETERECORDS_RESULT, timeout_ms, "trim " + topic);
  if (!event) {
    return Unexpected(event.error());
  }
  const rd_kafka_topic_partition_list_t* done =
      rd_kafka_DeleteRecords_result_offsets(rd_kafka_event_DeleteRecords_result(event->get()));
  if (done->cnt > 0 && done->elems[0].err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(done->elems[0].err, "trim " + topic));
  }
  return {};
}

}  // namespace kpay::kafka
