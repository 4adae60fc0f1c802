// Ledger: every event that waits for its consequence, and what each consequence does to the books.
//
// An event of payments.incoming or payments.inflight owes exactly one consequence: the next leg, an
// outcome, or a dead letter. A consequence names its event (R9); the ledger finds it, compares them
// and moves the money. So every amount is always in one place only: on an account, in a leg that
// waits, or in a dead letter; and what was settled is forgotten.
//
// REQUIRES: causes are taken before what follows from them, each partition in order, repeats
// dropped: Auditor does that.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "audit/books.h"
#include "audit/results.h"
#include "stream/dead_letter.h"
#include "wire/codec.h"

namespace kpay::audit {

/// Threads: one.
class Ledger {
 public:
  Ledger(std::int32_t partitions, Findings& findings);

  void keep(auto& io) {
    io(books_, results_, entries_, letters_, replays_, outcomes_again_, foreign_, horizons_,
       duplicates_);
  }

  /// A record of payments.incoming that is no tick.
  void take_command(const Place& place, ByteView value);
  /// Events of the other topics.
  void take_leg(const Place& place, Timestamp appended, const Cause& cause, ByteView payload);
  void take_outcome(const Place& place, const Cause& cause, ByteView payload);
  void take_letter(const Place& place, const Cause& cause, ByteView payload);
  /// A whole record that receivers put aside.
  void take_foreign(const Place& place) { foreign_.insert(place); }

  /// A task has processed its input up to `position`, and all that follows from it was taken: what
  /// is done is posted and forgotten; what still waits has nothing. `incomplete`: something that
  /// the task sent is missing in the log.
  void pass(std::uint16_t stage, std::int32_t partition, std::int64_t position, bool incomplete);
  /// What is done and lies before `position`, with nothing that waits before it, is posted.
  void post_until(std::int32_t partition, std::int64_t position);
  /// No marker that is still to come is of a position below this one: what is done on
  /// payments.incoming is forgotten at once.
  void set_horizon(std::int32_t partition, std::int64_t position) {
    horizons_[static_cast<std::size_t>(partition)] = position;
  }

  [[nodiscard]] Books& books() noexcept { return books_; }
  [[nodiscard]] const Books& books() const noexcept { return books_; }
  [[nodiscard]] Results& results() noexcept { return results_; }
  [[nodiscard]] const Results& results() const noexcept { return results_; }
  [[nodiscard]] std::size_t waiting() const noexcept;
  [[nodiscard]] std::size_t open_letters() const noexcept { return letters_.size(); }
  [[nodiscard]] std::uint64_t duplicates() const noexcept { return duplicates_; }

 private:
  using Key = std::pair<std::int64_t, std::uint32_t>;  // offset, index
  using Entries = std::map<Key, Entry>;
  struct Letter {
    Entry entry;
    bool answered = false;  // an operator's replay of it was done

    void keep(auto& io) { io(entry, answered); }
  };
  struct LetterId {
    std::uint16_t stage = 0;
    Place place;

    void keep(auto& io) { io(stage, place); }
    friend auto operator<=>(const LetterId&, const LetterId&) = default;
  };
  struct Origin {
    Entry* entry = nullptr;    // that the consequence follows from
    Entry* posting = nullptr;  // at whose place it is posted: the operator's record of a replay
    Place at{};                // that place
    std::optional<LetterId> letter{};
  };

  [[nodiscard]] Entries* entries_of(const Place& place);
  void wait(const Place& place, Entry entry);
  Origin origin_of(const Place& place, const Cause& cause, const Uuid& subject);
  void finish(const Origin& origin, std::optional<std::int64_t> delta);
  bool fits(const Place& place, const Origin& origin, const Entry& consequence, const Uuid& subject,
            std::initializer_list<EntryKind> kinds);
  void misfit(const Place& place, const Uuid& subject, const Entry* cause, std::string found);
  void take_operators(const Place& place, Timestamp appended, const Cause* cause, ByteView payload);
  void take_end(const Place& place, const Cause& cause, const core::PaymentOutcome& outcome);
  void take_end(const Place& place, const Cause& cause, const core::CommandOutcome& outcome);
  void put_aside(const Place& place, const Cause& cause, const stream::DeadLetter& letter);
  void answered(const Cause& cause, const stream::OperatorAnswer& answer);
  void close_unapplied(std::map<LetterId, Letter>::iterator letter);
  void pass_operators(const Place& place, std::uint16_t stage);
  void lost(const Place& place, const Entry& entry);

  std::int32_t partitions_;
  Findings* findings_;
  Books books_;
  Results results_;
  std::array<std::vector<Entries>, 2> entries_;  // of payments.incoming and payments.inflight
  std::map<LetterId, Letter> letters_;
  std::map<Place, LetterId> replays_;  // operators' records that replay a dead letter
  std::map<Place, core::PaymentOutcome> outcomes_again_;  // the same, for the confirmed stage
  std::set<Place> foreign_;
  std::vector<std::int64_t> horizons_;
  std::uint64_t duplicates_ = 0;
  wire::CommandCodec commands_;
  wire::InflightCodec legs_;
  wire::OutcomeCodec outcomes_;
  core::Command command_;
  core::InflightEvent leg_;
  core::Outcome outcome_;
};

}  // namespace kpay::audit
