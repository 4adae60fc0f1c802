// Auditor: follows every topic of money and every changelog, and says at each moment what the books
// are, at which cut, and what in the log can't be.
//
// The cut. An event is taken only when the event that it follows from has been taken (R9 names it),
// and partitions are taken in order. So the positions are always a cut that is closed under cause:
// no money is counted where it went and not where it came from. Decision 0008 has the proof.
//
// What is missing is known by rounds: the ends of all partitions are asked; when everything up to
// them has been read, whatever was there when they were asked is here. What then still waits for
// something that isn't here waits for something that doesn't exist.
//
// Pure: no clock, no Kafka. Verdicts depend on what is taken and on the rounds, not on the order in
// which partitions come. Threads: one.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "audit/chain.h"
#include "audit/ledger.h"
#include "audit/witness.h"
#include "stream/changelog_reader.h"
#include "stream/task.h"

namespace kpay::audit {

/// Of one partition, waiting for their causes: beyond it no more is wanted.
inline constexpr std::size_t kHeldBytesMax = 4U << 20U;
inline constexpr std::size_t kHeldMarkersMax = 8;

struct Counts {
  std::uint64_t records = 0;    ///< taken
  std::uint64_t events = 0;     ///< of frames, each once
  std::uint64_t replayed = 0;   ///< the same again, after a crash
  std::uint64_t early = 0;      ///< before the ones between: they come again
  std::uint64_t discarded = 0;  ///< of a sender that is refused, or diverged
  std::uint64_t markers = 0;    ///< of tasks, compared with the log

  void keep(auto& io) { io(records, events, replayed, early, discarded, markers); }
};

class Auditor {
 public:
  struct Setup {
    std::int32_t partitions = 0;
    std::array<Uuid, 3> input_ids{};  ///< of payments.incoming, .inflight and .complete
    Witness* witness = nullptr;       ///< outlives the auditor; or nobody
  };
  explicit Auditor(const Setup& setup);

  /// All that it knows, as bytes, at any moment between two calls; an auditor that takes them up
  /// goes on as this one would have, at next() of each partition. Changelogs are read again from
  /// the epoch of the last marker that was taken.
  [[nodiscard]] Bytes kept();
  /// REQUIRES: it is new, of the same setup. False: the bytes are none; it is of no use any more.
  [[nodiscard]] bool take_up(ByteView kept);

  /// Tells the witness what every account has (Witness::carried). REQUIRES: a witness.
  void carry_over() const { ledger_.books().tell_balances(); }

  /// Where a partition is begun, if not at 0: public topics, whose past nobody needs, and
  /// changelogs, which begin with a base. Of a changelog: also when what was next is gone.
  void begin_at(Topic topic, std::int32_t partition, std::int64_t offset);
  /// False while what came of this partition waits for others.
  [[nodiscard]] bool wants(Topic topic, std::int32_t partition) const;
  /// The next offset that take() is to be given.
  [[nodiscard]] std::int64_t next(Topic topic, std::int32_t partition) const;
  [[nodiscard]] Offsets next() const;
  /// REQUIRES: offsets in order, without holes.
  void take(Topic topic, std::int32_t partition, const stream::LogRecord& record);
  /// Takes what can be taken.
  void settle();

  /// The ends of all partitions are about to be asked. What is taken from now on may be beyond
  /// them. REQUIRES: no round is open.
  void prepare_round() noexcept { ++round_; }
  /// They were asked at `asked`, AFTER prepare_round().
  void begin_round(Offsets ends, Timestamp asked);
  [[nodiscard]] bool round_open() const noexcept { return round_open_; }

  /// Everything that stood in the log at this time has been taken; 0 before the first such round.
  [[nodiscard]] Timestamp as_of() const noexcept { return as_of_; }
  /// When the newest of what was taken was appended; also of what was taken up.
  [[nodiscard]] Timestamp newest() const noexcept { return newest_; }
  /// The cut: the next offset of each partition of the event topics.
  [[nodiscard]] std::vector<std::int64_t> cut(Topic topic) const;
  /// Records that the last round knows of and that were not taken.
  [[nodiscard]] std::int64_t behind() const;
  [[nodiscard]] const Ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] const Findings& findings() const noexcept { return findings_; }
  [[nodiscard]] const Counts& counts() const noexcept { return counts_; }
  /// Nothing is wrong with any sum, and nothing was found.
  [[nodiscard]] bool conserved() const;
  /// Bytes that wait for their causes, and numbers that are remembered of chains.
  [[nodiscard]] std::size_t held_bytes() const;
  [[nodiscard]] std::size_t chain_events() const;

 private:
  struct Held {
    std::int64_t offset = 0;
    std::uint64_t round = 0;
    Timestamp appended;
    Bytes value;
    /// Of a frame at the head: what it waits for.
    std::optional<Place> need{};

    void keep(auto& io) { io(offset, round, appended, value, need); }
  };
  struct HeldMarker {
    std::int64_t offset = 0;
    std::uint64_t round = 0;
    stream::Marker marker;
    Bytes rows;
  };
  struct Track {
    std::int64_t position = 0;  // the next one to be taken
    std::int64_t pushed = 0;    // the next one to come
    std::int64_t end = 0;       // as the last round said
    std::size_t bytes = 0;
    std::deque<Held> held;

    void keep(auto& io) { io(position, pushed, end, bytes, held); }
  };
  struct Log {
    stream::ChangelogReader reader{false};
    std::deque<HeldMarker> markers;
    std::uint64_t last_number = 0;
    std::int64_t position = 0;    // of the last one that was taken
    std::int64_t epoch = 0;       // of the same: who reads from here finds what follows on it
    std::int64_t told_until = 0;  // what stands before it and doesn't count was told

    void keep(auto& io) { io(last_number, position, epoch, told_until); }
  };
  using Chains = std::map<stream::SenderId, Chain>;

  [[nodiscard]] Track& track(Topic topic, std::int32_t partition) {
    return tracks_[number_of(topic)][static_cast<std::size_t>(partition)];
  }
  [[nodiscard]] const Track& track(Topic topic, std::int32_t partition) const {
    return tracks_[number_of(topic)][static_cast<std::size_t>(partition)];
  }
  [[nodiscard]] Log& log(std::uint16_t stage, std::int32_t partition) {
    return logs_[stage - 1U][static_cast<std::size_t>(partition)];
  }
  [[nodiscard]] Chains& chains(Topic topic, std::int32_t partition) {
    return chains_[number_of(topic)][static_cast<std::size_t>(partition)];
  }

  void keep(auto& io) {
    io(findings_, ledger_, counts_, lineage_, tracks_, logs_, chains_, round_, still_rounds_,
       wrong_sums_, progress_before_, newest_);
  }

  // What comes (auditor.cc)
  static void begin_reader(std::uint16_t stage, Log& log);
  void take_changelog(Topic topic, std::int32_t partition, const stream::LogRecord& record);
  bool drain(Topic topic, std::int32_t partition);
  bool try_take(Topic topic, std::int32_t partition, Held& held, bool forced);
  void pop(Track& track);

  // Frames (auditor_frames.cc)
  bool take_frame(const Place& place, Held& held, bool forced);
  [[nodiscard]] bool may_write(const Place& place) const;
  void apply(const Place& place, Timestamp appended, Chain& chain, std::size_t first_new);
  bool is_unsent(const Chain& chain, std::uint64_t number, std::int64_t cause_offset);
  void tell_unsent(const Place& place, const Uuid& subject, std::uint64_t number,
                   stream::SenderId sender, std::uint64_t counted);
  void apply_event(const Place& place, Timestamp appended, const Cause& cause,
                   const stream::Frame::Item& item);
  void accept(const Place& place, ByteView payload);
  [[nodiscard]] Cause cause_of(const stream::Frame::Item& item) const;

  // Markers (auditor_markers.cc)
  bool drain_markers(std::uint16_t stage, std::int32_t partition);
  /// The first output, or the input, that the marker knows more of than was taken.
  struct Missing {
    Topic topic = Topic::incoming;
    std::int32_t partition = 0;
    std::uint64_t counted = 0;
    std::uint64_t there = 0;
  };
  std::vector<Missing> missing(std::uint16_t stage, std::int32_t partition,
                               const stream::Marker& marker);
  void take_marker(std::uint16_t stage, std::int32_t partition, bool incomplete);
  void compare_chain(std::uint16_t stage, std::int32_t partition, const stream::Marker& marker,
                     Topic topic, std::int32_t to, const stream::Sequence& counted);

  // Rounds (auditor_rounds.cc)
  void finish_round();
  bool force_one();
  [[nodiscard]] bool is_culprit(Topic topic, std::int32_t partition, const Held& held) const;
  bool force_marker(std::uint16_t stage, std::int32_t partition);
  void force_oldest();
  void check_sums();
  [[nodiscard]] std::uint64_t progress() const;

  Setup setup_;
  Findings findings_;
  Ledger ledger_;
  Counts counts_;
  std::optional<Uuid> lineage_;
  std::array<std::vector<Track>, kTopics> tracks_;
  std::array<std::vector<Log>, kStages> logs_;
  std::array<std::vector<Chains>, kEventTopics> chains_;
  stream::Frame frame_;
  bool round_open_ = false;
  std::uint64_t round_ = 0;
  std::uint64_t still_rounds_ = 0;
  std::set<core::Currency> wrong_sums_;  // told already
  std::uint64_t progress_before_ = 0;
  Timestamp round_asked_;
  Timestamp as_of_;
  Timestamp newest_{};
};

}  // namespace kpay::audit
