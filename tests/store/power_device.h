// PowerDevice: a folder whose disk forgets, when the power goes, what was not synced.
//
// It sees what SQLite writes, cuts and removes, and each fsync, fdatasync and rename of the process
// (the three stand in power_device.cc in place of libc's). Of each file below the folder it keeps
// what was synced, and apart from that, in order, what was written since; of each folder the names
// as they were when it was synced. What reached a file in another way counts as one more write.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace kpay::store {

/// One at a time. Threads: one. What is below the folder when it begins is synced.
class PowerDevice {
 public:
  using Files = std::map<std::string, std::string>;  ///< bytes, by path below the folder

  explicit PowerDevice(std::filesystem::path folder);
  ~PowerDevice();
  PowerDevice(const PowerDevice&) = delete;
  PowerDevice& operator=(const PowerDevice&) = delete;

  /// Called before and after each sync, and after whatever else changes something.
  std::function<void()> at_step;

  /// How much of what was not synced is there all the same.
  enum class Leaves : std::uint8_t {
    nothing,
    all,           ///< as after kill -9
    beginning,     ///< of each file up to some write, and of that some sectors
    sectors,       ///< any, in any order
    with_garbage,  ///< likewise, and a sector that isn't there may hold anything
    count_,
  };
  /// What may be found below the folder if the power went now.
  [[nodiscard]] Files power_cut(Leaves leaves, std::uint64_t seed);

  // ---- for the calls that it sees; false: not below the folder
  bool wrote(int file, std::string_view bytes, off_t at);
  bool truncated(int file, off_t size);
  bool synced(int file);
  void step();

 private:
  struct Write {
    std::size_t at = 0;
    std::string bytes;
    bool truncates = false;  ///< to `at`
  };
  struct File {
    std::string synced;
    std::vector<Write> since;
  };
  using Names = std::map<std::string, ino_t>;
  struct Cut;

  [[nodiscard]] File* file_of(int file);
  void look_at(const std::filesystem::path& folder);
  static void apply(std::string& bytes, const Write& write);
  [[nodiscard]] static std::string now(const File& file);
  [[nodiscard]] std::string left_of(const File& file, Cut& cut) const;
  void collect(ino_t folder, const std::string& prefix, Cut& cut) const;

  std::filesystem::path folder_;
  std::map<ino_t, File> files_;
  std::map<ino_t, Names> synced_names_;
  std::map<ino_t, Names> names_;
  std::vector<int> held_;  // open, so that no other file gets the number of one that was removed
};

}  // namespace kpay::store
