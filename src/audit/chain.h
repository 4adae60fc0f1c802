// Chain: the events of one sender on one (topic, partition), as a receiver hears them (R7, R8), and
// as much of their past as a repeat or the sender's next marker is compared with.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "stream/changelog.h"
#include "stream/frame.h"

namespace kpay::audit {

/// What a receiver does with a frame.
enum class Hearing : std::uint8_t { fresh, replay, early, diverged, refused };

struct Heard {
  Hearing what = Hearing::replay;
  std::size_t first_new = 0;             ///< of a fresh frame
  std::optional<std::size_t> altered{};  ///< a known number that has other bytes now
};

/// Numbers that came before those between: the sender's replay brings them again, unless nobody
/// has sent them.
struct EarlyFrame {
  std::uint64_t first = 0;
  std::uint64_t last = 0;
  std::int64_t cause_offset = 0;  ///< of the last of them
  std::int64_t offset = 0;        ///< where the frame stands
  std::uint64_t round = 0;        ///< when it was read
  Uuid subject{};

  void keep(auto& io) { io(first, last, cause_offset, offset, round, subject); }
};
inline constexpr std::size_t kEarlyFramesKept = 64;
/// Of a chain's events so many are remembered in any case, beside those since its last two markers.
inline constexpr std::size_t kSentKept = 256;

/// Threads: one.
class Chain {
 public:
  struct Sent {
    Hash128 hash;  ///< after the event
    std::int64_t cause_offset = 0;
    std::int64_t offset = 0;  ///< where it stands
    Uuid subject{};
    bool told = false;  ///< is a finding already

    void keep(auto& io) { io(hash, cause_offset, offset, subject, told); }
  };

  void keep(auto& io) { io(seen_, base_, sent_, counted_, refused_, early_); }

  /// Changes nothing.
  [[nodiscard]] Heard hear(const stream::Frame& frame) const;
  /// Takes one more event in. REQUIRES: it is the next one of a fresh frame.
  void take(const stream::Frame::Item& item, std::int64_t offset);
  void refuse() noexcept { refused_ = true; }
  /// An operator's record says from where it goes on; only as a receiver would take it (R8).
  void accept(const stream::Sequence& seen);
  void note_early(EarlyFrame frame);

  /// The running hash after `number`, while it is remembered.
  [[nodiscard]] std::optional<Hash128> hash_at(std::uint64_t number) const;
  /// Events after `number`; all of them are remembered.
  [[nodiscard]] std::vector<Sent*> after(std::uint64_t number);
  /// A marker counts up to here: what lies before the marker before it is forgotten, but for the
  /// newest kSentKept.
  void count_to(std::uint64_t number);

  [[nodiscard]] std::uint64_t last() const noexcept { return seen_.last; }
  /// As far as the sender's last marker counts.
  [[nodiscard]] std::uint64_t counted() const noexcept { return counted_; }
  [[nodiscard]] bool refused() const noexcept { return refused_; }
  [[nodiscard]] std::vector<EarlyFrame>& early() noexcept { return early_; }
  [[nodiscard]] std::size_t remembered() const noexcept { return sent_.size(); }

 private:
  stream::Sequence seen_;
  stream::Sequence base_;  // the last one that is not in sent_
  std::deque<Sent> sent_;
  std::uint64_t counted_ = 0;
  bool refused_ = false;
  std::vector<EarlyFrame> early_;
};

}  // namespace kpay::audit
