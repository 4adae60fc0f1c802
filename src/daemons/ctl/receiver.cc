#include "daemons/ctl/receiver.h"

namespace kpay::ctl {

void Receiver::take(const stream::Frame& frame,
                    const std::function<void(const stream::Frame::Item&)>& taker) {
  const auto [sender, is_new] = senders_.try_emplace(frame.sender);
  stream::Sequence& known = sender->second;
  if (is_new && begun_) {
    known = {frame.first - 1, frame.before};
  }
  if (frame.first > known.last + 1) {
    early_ += frame.events.size();
    return;
  }
  Hash128 hash = frame.before;
  std::uint64_t number = frame.first;
  for (const stream::Frame::Item& item : frame.events) {
    if (number == known.last + 1 && hash != known.hash) {
      if (diverged_.empty()) {
        diverged_ = "number " + std::to_string(number) + " of sender " +
                    std::to_string(frame.sender.stage) + "/" +
                    std::to_string(frame.sender.partition) +
                    " doesn't follow from the events before it";
      }
      return;
    }
    hash = stream::chain_event(hash, item.header_bytes, item.payload);
    if (number > known.last) {
      known = {number, hash};
      taker(item);
    } else {
      ++repeated_;
    }
    ++number;
  }
}

}  // namespace kpay::ctl
