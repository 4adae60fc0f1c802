// Medium: where one task's state lies while no process has it: in memory, or in a real SQLite file.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>

#include "sim/dice.h"
#include "store/memory_store.h"

namespace kpay::sim {

/// A copy of a state as it lies there at some moment, also in the middle of a process's life.
struct Image {
  store::MemoryStore memory;
  std::map<std::string, std::string> files;  ///< by suffix: "", "-wal"
};

class Medium {
 public:
  virtual ~Medium() = default;
  /// REQUIRES: what was opened before is closed. `identity` says whose it has to be.
  virtual Result<std::unique_ptr<store::StateStore>> open(const Bytes& identity) = 0;
  [[nodiscard]] virtual Image image() = 0;
  virtual void put(const Image& image) = 0;
  /// Flips a bit. False when there is none to flip.
  virtual bool flip(Dice& dice) = 0;
  /// Leaves something between an earlier state and this one.
  virtual void tear(Dice& dice, const Image& earlier) = 0;
  /// What was opened was closed, not killed: all of it is synced.
  virtual void settle() = 0;
  /// The power went, and with it some of what was not synced: a state that was committed is left,
  /// one of those since the last sync. False when nothing was lost. REQUIRES: nobody has it open.
  virtual bool lose_unsynced(Dice& dice) = 0;
  /// True when the last open() put away what it found.
  [[nodiscard]] virtual bool put_away() const { return false; }
};

[[nodiscard]] std::unique_ptr<Medium> make_memory_medium();
[[nodiscard]] std::unique_ptr<Medium> make_file_medium(std::filesystem::path path);

}  // namespace kpay::sim
