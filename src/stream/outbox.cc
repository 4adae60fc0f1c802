#include "stream/outbox.h"

#include <algorithm>

#include "base/check.h"

namespace kpay::stream {

void Outbox::send(OutboxSender& sender, TopicIndex topic, std::int32_t partition, Bytes key,
                  Bytes value, std::uint64_t tag, std::int64_t now_ms) {
  now_ms_ = now_ms;
  const Place place{topic, partition};
  Lane& lane = lanes_[place];
  lane.queue.push_back({&sender, std::move(key), std::move(value), tag});
  ++waiting_;
  drain(place, lane, now_ms);
}

void Outbox::drain(const Place& place, Lane& lane, std::int64_t now_ms) {
  while (!lane.queue.empty() && !lane.alone) {
    const bool after_silence = now_ms - lane.last_ms >= silence_ms_max_;
    const bool first = lane.fresh || after_silence;
    if (first && lane.in_flight > 0) {
      return;  // cannot be: a fresh or silent lane has nothing in flight but the one alone
    }
    const std::uint64_t cookie = next_cookie_++;
    // The producer may use the bytes until delivery, so they move to their last place first.
    InFlight& flight =
        in_flight_.try_emplace(cookie, InFlight{std::move(lane.queue.front()), &lane})
            .first->second;
    if (!producer_->produce(place.first, place.second, flight.record.key, flight.record.value,
                            cookie)) {
      lane.queue.front() = std::move(flight.record);
      in_flight_.erase(cookie);
      blocked_ = true;
      return;
    }
    lane.queue.pop_front();
    --waiting_;
    ++lane.in_flight;
    lane.last_ms = now_ms;
    lane.alone = first;
  }
}

void Outbox::forget(const OutboxSender& sender) {
  for (auto& [place, lane] : lanes_) {
    const auto of_sender = [&](const Record& record) { return record.sender == &sender; };
    waiting_ -=
        static_cast<std::size_t>(std::count_if(lane.queue.begin(), lane.queue.end(), of_sender));
    std::erase_if(lane.queue, of_sender);
  }
  for (auto& [cookie, flight] : in_flight_) {
    if (flight.record.sender == &sender) {
      flight.record.sender = nullptr;
    }
  }
}

void Outbox::turn(std::int64_t now_ms) {
  now_ms_ = now_ms;
  if (!blocked_) {
    return;
  }
  blocked_ = false;
  for (auto& [place, lane] : lanes_) {
    drain(place, lane, now_ms);
  }
}

void Outbox::on_delivered(std::uint64_t cookie) {
  const auto found = in_flight_.find(cookie);
  check(found != in_flight_.end(), "a delivered record was in flight");
  InFlight flight = std::move(found->second);
  in_flight_.erase(found);
  Lane& lane = *flight.lane;
  --lane.in_flight;
  if (lane.alone) {
    lane.alone = false;
    lane.fresh = false;
  }
  if (!lane.queue.empty()) {
    blocked_ = true;
  }
  if (flight.record.sender != nullptr) {
    flight.record.sender->on_acknowledged(flight.record.tag, flight.record.value.size());
  }
}

}  // namespace kpay::stream
