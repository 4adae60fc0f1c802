#include "stream/outbox.h"

#include <algorithm>

#include "base/check.h"
#include "base/failpoint.h"
#include "base/plant.h"

namespace kpay::stream {

namespace {

// So much doesn't wait for an acknowledgement: at full load a partition always has frames on their
// way.
constexpr std::size_t kDontWaitBytes = 64 * 1024;

}  // namespace

void Outbox::send(OutboxSender& sender, TopicIndex topic, std::int32_t partition, Bytes key,
                  Bytes value, std::uint64_t tag) {
  Lane& lane = lanes_[{topic, partition}];
  lane.place = {topic, partition};
  lane.queued_bytes += value.size();
  lane.queue.push_back({&sender, std::move(key), std::move(value), tag});
  ++waiting_;
  look_at(lane);
}

bool Outbox::is_open(TopicIndex topic, std::int32_t partition) const {
  const auto lane = lanes_.find({topic, partition});
  return lane == lanes_.end() || lane->second.in_flight == 0;
}

void Outbox::look_at(Lane& lane) {
  if (!lane.due) {
    lane.due = true;
    due_.push_back(&lane);
  }
}

bool Outbox::drain(Lane& lane, std::int64_t now_ms) {
  if (lane.in_flight > 0 && (lane.alone || lane.queued_bytes < kDontWaitBytes)) {
    return true;
  }
  while (!lane.queue.empty() && !lane.alone) {
    const bool first =
        (lane.fresh && !KPAY_PLANT(first_frame_not_alone)) ||
        (now_ms - lane.last_ms >= silence_ms_max_ && !KPAY_PLANT(first_after_silence_not_alone));
    if (first && lane.in_flight > 0) {
      return true;  // the brokers were away for that long: what is on its way arrives first
    }
    if (free_.empty()) {
      free_.push_back(in_flight_.size());
      in_flight_.emplace_back();
    }
    const std::uint64_t cookie = free_.back();
    // The producer may use the bytes until delivery, so they move to their last place first.
    KPAY_FAILPOINT(before_output);
    InFlight& flight = in_flight_[cookie];
    flight.record = std::move(lane.queue.front());
    if (!producer_->produce(lane.place.first, lane.place.second, flight.record.key,
                            flight.record.value, cookie)) {
      if (!KPAY_PLANT(full_queue_drops_the_record)) {
        lane.queue.front() = std::move(flight.record);
      } else {
        lane.queue.pop_front();
      }
      return false;
    }
    free_.pop_back();
    flight.lane = &lane;
    lane.queued_bytes -= flight.record.value.size();
    lane.queue.pop_front();
    --waiting_;
    ++lane.in_flight;
    lane.last_ms = now_ms;
    lane.alone = first;
    KPAY_FAILPOINT(after_output);
  }
  return true;
}

void Outbox::forget(const OutboxSender& sender) {
  for (auto& [place, lane] : lanes_) {
    const auto of_sender = [&](const Record& record) { return record.sender == &sender; };
    waiting_ -= std::erase_if(lane.queue, of_sender);
    lane.queued_bytes = 0;
    for (const Record& record : lane.queue) {
      lane.queued_bytes += record.value.size();
    }
  }
  for (InFlight& flight : in_flight_) {
    if (flight.record.sender == &sender) {
      flight.record.sender = nullptr;
    }
  }
}

void Outbox::turn(std::int64_t now_ms) {
  std::vector<Lane*> due;
  due.swap(due_);
  for (Lane* lane : due) {
    lane->due = false;
    if (!drain(*lane, now_ms)) {
      look_at(*lane);
    }
  }
}

void Outbox::on_delivered(std::uint64_t cookie) {
  check(cookie < in_flight_.size() && in_flight_[cookie].lane != nullptr,
        "a delivered record was in flight");
  KPAY_FAILPOINT(output_acknowledged);
  const InFlight flight = std::exchange(in_flight_[cookie], {});
  free_.push_back(cookie);
  Lane& lane = *flight.lane;
  --lane.in_flight;
  if (lane.alone) {
    lane.alone = false;
    lane.fresh = false;
  }
  if (!lane.queue.empty()) {
    look_at(lane);
  }
  if (flight.record.sender != nullptr) {
    flight.record.sender->on_acknowledged(flight.record.tag, flight.record.value.size());
  }
}

}  // namespace kpay::stream
