// Disk: the state files of one host, and what can happen to them while no process has them open.
//
// A slot is the file of one task. It remembers earlier states, so that it can be rolled back or
// torn. Nothing is damaged while it is open: that is the file system's promise, not ours. Only when
// the host's power goes, the last commits of every file may go with it: what the store promises
// then (docs/store.md, "A power cut") is shown with SQLite's own writes in tests/store.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>

#include "sim/medium.h"
#include "sim/parcel.h"

namespace kpay::sim {

enum class Damage : std::uint8_t { none, gone, torn, flipped, swapped, rolled_back, unsynced };
[[nodiscard]] const char* to_string(Damage damage) noexcept;

/// Told of each commit, before and after; false keeps it from happening (the process is dying).
using CommitHook = std::function<bool(const Place& place, bool before)>;

class Disk {
 public:
  /// With a folder, real files below it; else everything lies in memory.
  Disk(Dice& dice, std::filesystem::path folder) : dice_(&dice), folder_(std::move(folder)) {}

  /// Opens the file of a task, as one process at a time may. Errors: conflict, and StateFile's.
  Result<std::unique_ptr<store::StateStore>> open(const Place& place, const Bytes& identity,
                                                  CommitHook hook);
  /// Calls `end`, which ends the process that has files open: they stay as they were at that
  /// moment.
  void crash(const std::function<void()>& end);
  /// The power goes: of every file the commits since some moment after its last sync are forgotten.
  /// REQUIRES: none is open. Gives those that were whole and have lost some.
  std::vector<Place> lose_unsynced();

  /// Damages the file of a task. False when it is open, or there is nothing of that kind to do.
  bool damage(const Place& place, Damage how, const Place& other);
  /// All files are gone that are not open.
  void lose_all();
  /// Lets the next commits of a task fail.
  void fail_commits(const Place& place, int count);

  /// What the file suffered since it was last trusted; reset by settle().
  [[nodiscard]] Damage damage_of(const Place& place) const;
  void settle(const Place& place);
  /// True when a file was there when it was opened, and nobody set it aside since.
  [[nodiscard]] bool had_state(const Place& place) const;
  /// True when it was opened after a power cut that had taken commits from it.
  [[nodiscard]] bool lost_commits(const Place& place) const;
  /// True once after a commit has succeeded that followed a failed one.
  bool take_recovered_commit(const Place& place);

 private:
  class Handle;
  struct Slot {
    std::unique_ptr<Medium> medium;
    std::deque<Image> earlier;
    Damage damage = Damage::none;
    Bytes last_marker{};  // of the last commit since it was opened, whatever became of that
    bool has_state = false;
    bool had_state = false;
    bool lost_commits = false;
    bool open = false;
    int failing = 0;
    bool failed = false;
    bool recovered = false;
  };

  bool do_damage(Slot& slot, Damage how, const Place& other);
  [[nodiscard]] const Slot* find(const Place& place) const;
  [[nodiscard]] Slot* find(const Place& place);

  Dice* dice_;
  std::filesystem::path folder_;
  std::map<Place, std::shared_ptr<Slot>> slots_;
  bool crashing_ = false;
};

}  // namespace kpay::sim
