// Receiver: tells new events of a partition from repeats, by sender and number (R7, R8).
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "stream/frame.h"

namespace kpay::ctl {

/// Of one (topic, partition), read from its beginning; or, when that is gone (`begun`), from what
/// is left: then a sender's first frame is where it begins. Threads: one.
class Receiver {
 public:
  explicit Receiver(bool begun = false) : begun_(begun) {}

  /// Gives each event that a receiver applies; what is known already, or is early, is dropped.
  void take(const stream::Frame& frame,
            const std::function<void(const stream::Frame::Item&)>& taker);

  [[nodiscard]] const std::map<stream::SenderId, stream::Sequence>& senders() const noexcept {
    return senders_;
  }
  [[nodiscard]] std::uint64_t repeated() const noexcept { return repeated_; }
  [[nodiscard]] std::uint64_t early() const noexcept { return early_; }
  /// The first event whose running hash doesn't follow from those before, in words; or empty.
  [[nodiscard]] const std::string& diverged() const noexcept { return diverged_; }

 private:
  bool begun_;
  std::map<stream::SenderId, stream::Sequence> senders_;
  std::uint64_t repeated_ = 0;
  std::uint64_t early_ = 0;
  std::string diverged_;
};

}  // namespace kpay::ctl
