#include "audit/chain.h"

#include <algorithm>

#include "base/check.h"

namespace kpay::audit {

Heard Chain::hear(const stream::Frame& frame) const {
  if (refused_) {
    return {Hearing::refused, 0, {}};
  }
  if (frame.first > seen_.last + 1) {
    return {Hearing::early, 0, {}};
  }
  Heard heard;
  Hash128 hash = frame.before;
  std::uint64_t number = frame.first;
  const auto differs = [&](std::uint64_t of) {
    const std::optional<Hash128> known = hash_at(of);
    return known && *known != hash;
  };
  bool wrong = differs(number - 1);
  for (std::size_t i = 0; i < frame.events.size() && number <= seen_.last; ++i, ++number) {
    hash = stream::chain_event(hash, frame.events[i].header_bytes, frame.events[i].payload);
    wrong = wrong || differs(number);
    if (wrong && !heard.altered) {
      heard.altered = i;
    }
  }
  if (frame.last() <= seen_.last) {
    return heard;
  }
  heard.first_new = static_cast<std::size_t>(number - frame.first);
  heard.what = hash == seen_.hash ? Hearing::fresh : Hearing::diverged;
  return heard;
}

void Chain::take(const stream::Frame::Item& item, std::int64_t offset) {
  seen_.hash = stream::chain_event(seen_.hash, item.header_bytes, item.payload);
  ++seen_.last;
  sent_.push_back({seen_.hash, item.header.cause_offset, offset, item.header.subject, false});
  std::erase_if(early_, [this](const EarlyFrame& frame) { return frame.last <= seen_.last; });
}

void Chain::accept(const stream::Sequence& seen) {
  if (refused_ && seen.last >= seen_.last) {
    seen_ = seen;
    base_ = seen;
    sent_.clear();
    refused_ = false;
  }
}

void Chain::note_early(EarlyFrame frame) {
  if (early_.size() < kEarlyFramesKept) {
    early_.push_back(frame);
  }
}

std::optional<Hash128> Chain::hash_at(std::uint64_t number) const {
  if (number == base_.last) {
    return base_.hash;
  }
  if (number < base_.last || number > seen_.last) {
    return std::nullopt;
  }
  return sent_[static_cast<std::size_t>(number - base_.last - 1)].hash;
}

std::vector<Chain::Sent*> Chain::after(std::uint64_t number) {
  std::vector<Sent*> events;
  const std::uint64_t from = std::max(number, base_.last);
  for (std::uint64_t i = from - base_.last; i < sent_.size(); ++i) {
    events.push_back(&sent_[static_cast<std::size_t>(i)]);
  }
  return events;
}

void Chain::count_to(std::uint64_t number) {
  while (sent_.size() > kSentKept && base_.last < counted_) {
    base_ = {base_.last + 1, sent_.front().hash};
    sent_.pop_front();
  }
  counted_ = std::max(counted_, number);
  check(base_.last + sent_.size() == seen_.last, "a chain remembers all since its base");
}

}  // namespace kpay::audit
