// Coverage: which lines of the crash table a set of runs went through, by kind of task, and what
// else they counted. A cell that is hit too seldom fails the set.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <map>
#include <string>

namespace kpay::sim {

inline constexpr std::size_t kStages = 5;
inline constexpr std::array<const char*, kStages> kStageNames = {"intake", "account", "settle",
                                                                 "confirmed", "throughput"};

/// Lines of the crash table, as the simulator can tell them apart.
enum class Line : std::uint8_t {
  dies_before_output,
  dies_after_outputs,
  dies_before_checkpoint,
  dies_within_rows,
  dies_before_marker,
  dies_before_commit,
  dies_restoring,
  dies_after_open_marker,
  dies_after_clean_marker,
  dies_after_resume,
  zombie_at_output,
  zombie_at_checkpoint,
  zombie_renewal,
  takeovers_race,
  late_takeover,
  late_trim,
  first_refused,
  queue_lost,
  revoked,
  lost,
  disk_gone,
  file_torn,
  file_flipped,
  file_swapped,
  file_rolled_back,
  file_before_trim,
  power_cut,
  commit_fails,
  failover,
  restore_after_trim,
  input_trimmed,
  restored_at_trim,
  record_doubled,
  dead_letter,
  client_retry,
  deposit_retry,
  client_conflict,
  clock_ahead,
  all_stopped,
  standby_promoted,
  standby_in_checkpoint,
  standby_dies,
  standby_dies_promoted,
  standby_stopped,
  standby_several,
  standby_file_behind,
  standby_file_hurt,
  standby_commit_fails,
  standby_trimmed,
  letter_closed,
  letter_closed_before,
  letter_refused_again,
  letter_other_bytes,
  operator_and_crash,
  sender_accepted,
  order_unsigned,
  key_enrolled,
  key_revoked,
  count_,
};
inline constexpr auto kLines = static_cast<std::size_t>(Line::count_);

struct LineInfo {
  const char* name;
  const char* text;
};
[[nodiscard]] const LineInfo& info_of(Line line);
/// Why that line can't happen to that kind of task; null when it can.
[[nodiscard]] const char* not_for(Line line, std::size_t stage);

class Coverage {
 public:
  void hit(Line line, std::size_t stage, std::uint64_t times = 1) {
    cells_[static_cast<std::size_t>(line)][stage] += times;
  }
  [[nodiscard]] std::uint64_t of(Line line) const;
  /// Counts by name: "crashes", "payments", …
  void count(const std::string& name, std::uint64_t times = 1) { counts_[name] += times; }
  [[nodiscard]] std::uint64_t counted(const std::string& name) const;

  void add(const Coverage& other);
  /// One line each, for another process to read back with read_line().
  void write(std::ostream& out) const;
  void read_line(const std::string& line);

  void print_counts(std::ostream& out) const;
  /// The table; false when a cell that can be hit was hit fewer than `least` times.
  [[nodiscard]] bool print_table(std::ostream& out, std::uint64_t least) const;

 private:
  std::array<std::array<std::uint64_t, kStages>, kLines> cells_{};
  std::map<std::string, std::uint64_t> counts_;
};

}  // namespace kpay::sim
