// Link: the way from one process to the log. Records arrive late but in order, the first one of a
// new producer may be refused, and when the process is gone some still arrive and the rest don't.
#pragma once

#include <deque>
#include <map>
#include <utility>

#include "sim/dice.h"
#include "sim/parcel.h"
#include "stream/memory_driver.h"

namespace kpay::sim {

class World;

class Link final : public stream::MemoryNetwork {
 public:
  Link(World& world, std::size_t node) : world_(&world), node_(node) {}

  bool carry(stream::TopicIndex topic, std::int32_t partition, ByteView key, ByteView value,
             std::uint64_t cookie) override;
  void delete_before(stream::TopicIndex topic, std::int32_t partition,
                     std::int64_t offset) override;

  /// Gives what is due to the log, and its acknowledgements to the process, which may be gone.
  void deliver(std::int64_t now_ms, stream::MemoryProcess* process);
  /// The process is gone: of each queue a part was sent already, and may arrive late.
  void cut(std::int64_t now_ms);
  /// The process is stopped: what it handed over from now on waits for it.
  void hold() noexcept { held_ = true; }
  void wake(std::int64_t now_ms);
  [[nodiscard]] bool idle() const noexcept;
  [[nodiscard]] std::size_t node() const noexcept { return node_; }

 private:
  using Way = std::pair<stream::TopicIndex, std::int32_t>;
  struct Lane {
    std::deque<Parcel> queue;
    std::deque<std::pair<std::int64_t, std::uint64_t>> acks;  // due, cookie
    bool fresh = true;     // this producer has had no acknowledgement here yet
    bool refused = false;  // the first Produce was refused; it is sent again when it is due
  };
  struct Deletion {
    std::int64_t due_ms = 0;
    Way way;
    std::int64_t offset = 0;
    std::int64_t epoch = 0;  // of the changelog, when it was asked for
  };

  void accept_despite_refusal(Lane& lane);
  void delete_due(std::int64_t now_ms);

  World* world_;
  std::size_t node_;
  bool held_ = false;
  bool cut_ = false;
  std::map<Way, Lane> lanes_;
  std::deque<Deletion> deletions_;
};

}  // namespace kpay::sim
