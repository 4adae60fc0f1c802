// Trails: what stands on the topics, sender by sender, as much of each event as a comparison needs.
// Written while the topics are read once, read back while each sender is run again.
//
// Memory is bounded by the number of lanes; beyond some thousands of events, they lie in a
// temporary file without a name (in TMPDIR, else /tmp), 32 bytes an event.
#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <vector>

#include "base/result.h"
#include "stream/frame.h"

namespace kpay::recompute {

/// What one task sends to one partition of one of its outputs.
struct Lane {
  stream::SenderId sender;
  std::uint16_t output = 0;
  std::int32_t partition = 0;

  friend auto operator<=>(const Lane&, const Lane&) = default;
};

/// An event as it stands on a topic.
struct Standing {
  std::int64_t cause_offset = 0;
  std::int64_t offset = 0;  ///< of its record
  std::uint64_t hash = 0;   ///< event_hash() of its bytes
  std::uint32_t cause_index = 0;
  std::uint32_t index = 0;  ///< within its record
};
static_assert(sizeof(Standing) == 32, "an event's trail is 32 bytes");

/// Threads: one.
class Trails {
 public:
  Trails() = default;
  ~Trails();
  Trails(const Trails&) = delete;
  Trails& operator=(const Trails&) = delete;

  /// The next event of that lane; `number` of the first one is kept. Errors: io.
  Result<void> add(const Lane& lane, std::uint64_t number, const Standing& event);

  /// Reads one lane from its first event on. Threads: the owner's.
  class Reader {
   public:
    Reader() = default;
    /// The next event without taking it; null at the end. Errors: io.
    Result<const Standing*> peek();
    void take() noexcept { ++at_; }
    /// The number of the event that peek() gives.
    [[nodiscard]] std::uint64_t number() const noexcept { return first_ + at_; }

   private:
    friend class Trails;
    const Trails* trails_ = nullptr;
    const std::vector<std::uint64_t>* chunks_ = nullptr;
    const std::vector<Standing>* tail_ = nullptr;
    std::vector<Standing> chunk_;
    std::uint64_t loaded_ = 0;  // chunk_ is that chunk, counted from 1
    std::uint64_t first_ = 1;
    std::uint64_t at_ = 0;
  };
  [[nodiscard]] Reader read(const Lane& lane) const;

  [[nodiscard]] std::uint64_t events() const noexcept { return events_; }

 private:
  static constexpr std::size_t kChunk = 256;  // events

  struct Trail {
    std::uint64_t first = 1;
    std::vector<std::uint64_t> chunks;  // places in the file
    std::vector<Standing> tail;
  };

  Result<void> spill(Trail& trail);
  Result<void> load(std::uint64_t place, std::vector<Standing>& chunk) const;

  std::map<Lane, Trail> trails_;
  std::uint64_t events_ = 0;
  std::uint64_t end_ = 0;
  int file_ = -1;
};

}  // namespace kpay::recompute
