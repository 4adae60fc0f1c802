// DeathNotes: which record each task has in hand, in a page that outlives the process (R23).
//
// A record that kills its process would kill every process that takes its task over, and with each
// all tasks beside it. So a task notes an input offset before it looks at the record, and takes the
// note back afterwards: two stores to mapped memory, no system call. What is still noted at the
// next start was in hand when the process died. A host that loses its power may lose notes: it only
// has to die once more.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "base/hash.h"
#include "base/result.h"

namespace kpay::store {

/// One task's note; a place in the page. Threads: its task's.
class DeathNote {
 public:
  void begin(std::int64_t offset) noexcept {
    in_hand_.store(offset + 1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);  // a death is seen by no other thread
  }
  void end(std::int64_t offset) noexcept {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    in_hand_.store(0, std::memory_order_relaxed);
    if (offset + 1 == died_at_) {
      died_at_ = 0;
      deaths_ = 0;
    }
  }
  /// How often in a row the process died with the record at this offset in hand.
  [[nodiscard]] std::uint32_t deaths_at(std::int64_t offset) const noexcept {
    return offset + 1 == died_at_ ? deaths_ : 0;
  }

 private:
  friend class DeathNotes;

  // Offsets are kept + 1: a page of zeros has no notes.
  std::atomic<std::int64_t> in_hand_;
  std::int64_t died_at_;
  std::uint32_t deaths_;
  std::int32_t partition_;
  std::uint16_t stage_;
  std::uint16_t used_;
};

class DeathNotes {
 public:
  /// Opens or makes the file, and counts the deaths that are noted in it. Notes of another `build`
  /// say nothing about this one and are dropped. Errors: io.
  static Result<std::unique_ptr<DeathNotes>> open(const std::string& path, const Hash128& build);
  ~DeathNotes();
  DeathNotes(const DeathNotes&) = delete;
  DeathNotes& operator=(const DeathNotes&) = delete;

  /// Held while a suspect is processed: a record that was in hand at a death before. So they are
  /// run one at a time, and the next death has one suspect more, not all of them (R23).
  [[nodiscard]] std::mutex& trial() noexcept { return trial_; }

  /// The task's note, valid as long as this object. Null when the page is full: then nothing is
  /// noted. Any thread.
  [[nodiscard]] DeathNote* note(std::uint16_t stage, std::int32_t partition) noexcept;

 private:
  static constexpr std::size_t kNotes = 2047;  // 5 stages of 400 partitions
  struct Page {
    std::array<char, 8> magic;
    Hash128 build;
    std::uint64_t unused;
    std::array<DeathNote, kNotes> notes;
  };

  explicit DeathNotes(Page* page) : page_(page) {}

  std::mutex mutex_;
  std::mutex trial_;
  Page* page_;
};

}  // namespace kpay::store
