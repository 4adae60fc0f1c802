#include "sim/link.h"

#include <algorithm>

#include "sim/world.h"

namespace kpay::sim {

namespace {

constexpr std::int64_t kHeld = std::int64_t{1} << 60U;

}  // namespace

bool Link::carry(stream::TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
                 std::uint64_t cookie) {
  if (cut_) {
    return true;
  }
  if (world_->queue_is_full()) {
    return false;
  }
  Parcel parcel = make_parcel(world_->specs(), world_->topics(), topic, partition, key, value);
  parcel.cookie = cookie;
  if (!world_->before_parcel(node_, parcel)) {
    return true;
  }
  Lane& lane = lanes_[{topic, partition}];
  if (lane.refused) {
    accept_despite_refusal(lane);
  }
  std::int64_t due = world_->now_ms() + world_->latency();
  if (lane.fresh && lane.queue.empty() && lane.acks.empty() && world_->refuses_first(parcel)) {
    lane.refused = true;
    due += world_->latency() * 4 + 5;
  }
  if (!lane.queue.empty()) {
    due = std::max(due, lane.queue.back().due_ms);
  }
  parcel.due_ms = held_ ? kHeld : due;
  lane.queue.push_back(std::move(parcel));
  world_->after_parcel(node_, lane.queue.back());
  return true;
}

// A broker without state for a producer takes any first number: the second record stands in the
// log, and the client takes the refused first one as delivered. Nothing may be on its way behind.
void Link::accept_despite_refusal(Lane& lane) {
  lane.refused = false;
  lane.fresh = false;
  check(!lane.queue.empty(), "a refused record waits to be sent again");
  const Parcel& lost = lane.queue.front();
  world_->trace().line(lost.task ? to_string(*lost.task) : "a tick", "lost to ",
                       world_->topics().name(lost.topic), "/", lost.partition,
                       ": refused, and the next one is accepted");
  lane.acks.emplace_back(world_->now_ms() + 1, lane.queue.front().cookie);
  lane.queue.pop_front();
}

void Link::delete_before(stream::TopicIndex topic, std::int32_t partition, std::int64_t offset) {
  if (!cut_) {
    deletions_.push_back({world_->now_ms() + world_->latency() * 8,
                          {topic, partition},
                          offset,
                          world_->epoch_of(topic, partition)});
  }
}

void Link::delete_due(std::int64_t now_ms) {
  while (!deletions_.empty() && deletions_.front().due_ms <= now_ms) {
    const Deletion deletion = deletions_.front();
    deletions_.pop_front();
    world_->delete_before(deletion.way.first, deletion.way.second, deletion.offset, deletion.epoch);
  }
}

void Link::deliver(std::int64_t now_ms, stream::MemoryProcess* process) {
  for (auto& [way, lane] : lanes_) {
    while (!lane.queue.empty() &&
           std::max(lane.queue.front().due_ms, world_->stalled_until(way.first, way.second)) <=
               now_ms) {
      const Parcel parcel = std::move(lane.queue.front());
      lane.queue.pop_front();
      lane.refused = false;
      world_->arrive(parcel, cut_);
      lane.acks.emplace_back(now_ms + world_->latency(), parcel.cookie);
    }
    while (!lane.acks.empty() && lane.acks.front().first <= now_ms) {
      lane.fresh = false;
      if (process != nullptr && !cut_) {
        process->acknowledge(lane.acks.front().second);
      }
      lane.acks.pop_front();
    }
  }
  delete_due(now_ms);
}

void Link::cut(std::int64_t now_ms) {
  cut_ = true;
  for (auto& [way, lane] : lanes_) {
    lane.acks.clear();
    const std::size_t arrive = world_->dice().index(lane.queue.size() + 1);
    if (arrive < lane.queue.size()) {
      world_->lose_queue(lane.queue.front());
      lane.queue.resize(arrive);
    }
    const std::int64_t late =
        world_->dice().one_in(3) ? world_->dice().between(0, 1500) : std::int64_t{0};
    for (Parcel& parcel : lane.queue) {
      parcel.due_ms = std::min(parcel.due_ms, now_ms + world_->latency()) + late;
    }
  }
}

void Link::wake(std::int64_t now_ms) {
  held_ = false;
  for (auto& [way, lane] : lanes_) {
    for (Parcel& parcel : lane.queue) {
      parcel.due_ms = std::min(parcel.due_ms, now_ms + world_->latency());
    }
  }
}

bool Link::idle() const noexcept {
  return deletions_.empty() && std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) {
           return lane.second.queue.empty() && lane.second.acks.empty();
         });
}

}  // namespace kpay::sim
