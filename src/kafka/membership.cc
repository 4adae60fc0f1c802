#include "kafka/membership.h"

#include <algorithm>

#include "base/time.h"

namespace kpay::kafka {

namespace {

constexpr std::int64_t kFencedAgainMs = 20'000;  // at least, for slow machines
constexpr std::int64_t kLeaveMs = 3000;  // for the request; the release before it has its own

// librdkafka gives one opaque to all callbacks, and the events have it; the rest is found here.
thread_local Membership* polling = nullptr;

std::vector<std::int32_t> numbers(const rd_kafka_topic_partition_list_t& list) {
  std::vector<std::int32_t> partitions;
  for (int i = 0; i < list.cnt; ++i) {
    partitions.push_back(list.elems[i].partition);
  }
  return partitions;
}

}  // namespace

Result<std::unique_ptr<Membership>> Membership::join(Parts parts) {
  std::unique_ptr<Membership> membership(new Membership(std::move(parts)));
  if (Result<void> subscribed = membership->subscribe(); !subscribed) {
    return Unexpected(subscribed.error());
  }
  return membership;
}

Result<void> Membership::subscribe() {
  ClientBuilder builder(parts_.client);
  watch(builder, *parts_.events);
  builder.set("group.id", parts_.group)
      .set("group.instance.id", parts_.instance)
      .set("partition.assignment.strategy", "range")
      .set("enable.auto.commit", "false")
      .set("enable.auto.offset.store", "false")
      .set("auto.offset.reset", "latest")
      .set("session.timeout.ms", std::to_string(parts_.client.session_timeout_ms))
      .set("heartbeat.interval.ms", std::to_string(parts_.client.session_timeout_ms / 4))
      .set("max.poll.interval.ms", "300000")
      .set("queued.min.messages", "1");
  rd_kafka_conf_set_rebalance_cb(builder.conf(), on_rebalance);
  Result<KafkaHandle> client = builder.make(RD_KAFKA_CONSUMER);
  if (!client) {
    return Unexpected(client.error());
  }
  client_ = std::move(*client);
  rd_kafka_poll_set_consumer(client_.get());
  const PartitionListHandle topics(rd_kafka_topic_partition_list_new(1));
  rd_kafka_topic_partition_list_add(topics.get(), parts_.topic.c_str(), RD_KAFKA_PARTITION_UA);
  if (const rd_kafka_resp_err_t code = rd_kafka_subscribe(client_.get(), topics.get());
      code != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return Unexpected(to_error(code, "join group " + parts_.group));
  }
  return {};
}

Membership::~Membership() { close(); }

void Membership::close() {
  if (!closed_ && client_) {
    closed_ = true;
    polling = this;
    (void)rd_kafka_consumer_close(client_.get());
    polling = nullptr;
  }
}

// LeaveGroup is sent by an unsubscribe, never by a static member's close; it is on its way when the
// member id is gone.
void Membership::leave() {
  leaving_ = true;
  (void)rd_kafka_unsubscribe(client_.get());
  const std::int64_t deadline = monotonic_ms() + kLeaveMs;
  do {
    poll(10);
  } while (is_member() && monotonic_ms() < deadline);
  close();
}

bool Membership::is_member() const {
  char* id = rd_kafka_memberid(client_.get());
  const bool some = id != nullptr && *id != '\0';
  rd_kafka_mem_free(client_.get(), id);
  return some;
}

void Membership::poll(int timeout_ms) {
  polling = this;
  rd_kafka_message_t* message = rd_kafka_consumer_poll(client_.get(), timeout_ms);
  polling = nullptr;
  if (message != nullptr) {
    rd_kafka_message_destroy(message);
  }
  char text[256];
  const rd_kafka_resp_err_t fatal = rd_kafka_fatal_error(client_.get(), text, sizeof text);
  if (fatal == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID && !closed_ && !leaving_) {
    on_fenced();
  }
}

// A broker that comes back slowly may take a member's own repeated join, or a commit that the
// client kept back meanwhile, for another process. So the first time this one joins again; a real
// other one does the same, each hears of it by its next heartbeat, and whoever is fenced twice
// within two sessions goes.
void Membership::on_fenced() {
  const std::int64_t now = monotonic_ms();
  const std::int64_t window_ms =
      std::max<std::int64_t>(kFencedAgainMs, 2 * parts_.client.session_timeout_ms);
  const bool again = fenced_ms_ && now - *fenced_ms_ < window_ms;
  fenced_ms_ = now;
  Result<void> joined;
  if (!again) {
    close();  // tells that the partitions are lost, if that wasn't told yet
    closed_ = false;
    joined = subscribe();
  }
  if ((again || !joined) && parts_.events->on_fatal) {
    parts_.events->on_fatal("another process joined group " + parts_.group + " as instance " +
                            parts_.instance + ": each instance needs an id of its own");
  }
}

void Membership::on_rebalance(rd_kafka_t*, rd_kafka_resp_err_t code,
                              rd_kafka_topic_partition_list_t* partitions, void*) {
  if (polling != nullptr) {
    polling->rebalance(code, partitions);
  }
}

void Membership::rebalance(rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t* partitions) {
  if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
    for (int i = 0; i < partitions->cnt; ++i) {
      partitions->elems[i].offset = RD_KAFKA_OFFSET_END;
    }
    (void)rd_kafka_assign(client_.get(), partitions);
    (void)rd_kafka_pause_partitions(client_.get(), partitions);
    for (const std::int32_t partition : numbers(*partitions)) {
      parts_.on_assigned(partition);
    }
    parts_.on_settled(static_cast<std::size_t>(partitions->cnt));
    return;
  }
  parts_.on_settled(std::nullopt);
  if (rd_kafka_assignment_lost(client_.get()) != 0) {
    parts_.on_lost(numbers(*partitions));
  } else {
    parts_.on_revoked(numbers(*partitions));
  }
  (void)rd_kafka_assign(client_.get(), nullptr);
}

void Membership::commit(const std::vector<std::pair<std::int32_t, std::int64_t>>& positions) {
  // Without a member id the coordinator would take it for another process of this instance.
  if (positions.empty() || closed_ || !is_member()) {
    return;
  }
  const PartitionListHandle list(
      rd_kafka_topic_partition_list_new(static_cast<int>(positions.size())));
  for (const auto& [partition, position] : positions) {
    rd_kafka_topic_partition_list_add(list.get(), parts_.topic.c_str(), partition)->offset =
        position;
  }
  (void)rd_kafka_commit(client_.get(), list.get(), 1);
}

}  // namespace kpay::kafka
