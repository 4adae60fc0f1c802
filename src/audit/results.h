// Results: outcomes that the public has to be told of, and what it was told (R7).
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "audit/entry.h"
#include "audit/finding.h"
#include "core/sum.h"
#include "wire/codec.h"

namespace kpay::audit {

/// Threads: one.
class Results {
 public:
  Results(std::int32_t partitions, Findings& findings)
      : findings_(&findings), partitions_(static_cast<std::size_t>(partitions)) {}

  void keep(auto& io) { io(partitions_, repeats_, told_); }

  /// An outcome that is owed a result.
  void expect(const Place& place, const core::PaymentOutcome& outcome);
  /// An outcome was put aside by the task that publishes: no result follows.
  void put_aside(const Place& place);
  /// The topic's first records are gone: what was told before is not known.
  void begin_late(Topic topic, std::int32_t partition);

  enum class Told : std::uint8_t { matched, repeat, early, unexpected };
  /// `forced`: what isn't expected by now never will be, and is a finding.
  Told take(const Place& place, ByteView value, bool forced);
  /// The publishing task has processed outcomes up to `position`.
  void pass(std::int32_t partition, std::int64_t position);

  [[nodiscard]] std::uint64_t last(Topic topic, std::int32_t partition) const;
  [[nodiscard]] std::uint64_t repeats() const noexcept { return repeats_; }
  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] const core::Tally& told(Topic topic) const noexcept {
    return told_[topic == Topic::confirmed ? 0 : 1];
  }

 private:
  struct Owed {
    std::int64_t offset = 0;
    std::uint32_t index = 0;
    std::uint64_t content = 0;
    core::Refusal refusal = core::Refusal::none;
    Uuid id;

    void keep(auto& io) { io(offset, index, content, refusal, id); }
  };
  struct Sequence {
    std::deque<Owed> owed;
    std::uint64_t last = 0;
    bool late = false;

    void keep(auto& io) { io(owed, last, late); }
  };
  struct Partition {
    Sequence sequences[2];  // confirmed, failed

    void keep(auto& io) { io(sequences); }
  };

  [[nodiscard]] Sequence& sequence(Topic topic, std::int32_t partition) {
    return partitions_[static_cast<std::size_t>(partition)]
        .sequences[topic == Topic::confirmed ? 0 : 1];
  }

  Findings* findings_;
  std::vector<Partition> partitions_;
  std::uint64_t repeats_ = 0;
  core::Tally told_[2];
  wire::ResultCodec codec_;
  core::PaymentResult result_;
};

}  // namespace kpay::audit
