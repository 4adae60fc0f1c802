// Disk: the state files of one host, and what can happen to them while no process has them open.
//
// A slot is the file of one task. It remembers earlier commits, so that it can be rolled back or
// torn. Nothing is damaged while it is open: that is the file system's promise, not ours.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "sim/dice.h"
#include "sim/parcel.h"
#include "store/memory_store.h"

namespace kpay::sim {

enum class Damage : std::uint8_t { none, gone, torn, flipped, swapped, rolled_back };
[[nodiscard]] const char* to_string(Damage damage) noexcept;

/// Told of each commit, before and after; false keeps it from happening (the process is dying).
using CommitHook = std::function<bool(const Place& place, bool before)>;

class Disk {
 public:
  explicit Disk(Dice& dice) : dice_(&dice) {}

  /// Opens the file of a task, as one process at a time may. Errors: conflict.
  Result<std::unique_ptr<store::StateStore>> open(const Place& place, CommitHook hook);

  /// Damages the file of a task. False when it is open, or there is nothing of that kind to do.
  bool damage(const Place& place, Damage how, const Place& other);
  /// All files are gone that are not open.
  void lose_all();
  /// Lets the next commits of a task fail.
  void fail_commits(const Place& place, int count);

  /// What the file suffered since it was last trusted; reset by settle().
  [[nodiscard]] Damage damage_of(const Place& place) const;
  void settle(const Place& place);
  /// True once after a commit has succeeded that followed a failed one.
  bool take_recovered_commit(const Place& place);

 private:
  class Handle;
  struct Slot {
    store::MemoryStore store;
    std::deque<store::MemoryStore> earlier;
    Damage damage = Damage::none;
    bool has_state = false;
    bool open = false;
    int failing = 0;
    bool failed = false;
    bool recovered = false;
  };

  bool tear(Slot& slot);
  bool flip(Slot& slot);

  Dice* dice_;
  std::map<Place, std::shared_ptr<Slot>> slots_;
};

}  // namespace kpay::sim
