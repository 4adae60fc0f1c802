// Progress: says on standard error how far a command has come: on a terminal one line that is
// rewritten, else a line every 10 s. Also knows whether Ctrl-C was pressed.
#pragma once

#include <cstdint>
#include <string>

namespace kpay::load {

/// Threads: one.
class Progress {
 public:
  explicit Progress(std::string what);
  ~Progress() { end(); }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Shows these numbers, if it is time to. `total` 0: not known yet.
  void tick(std::uint64_t sent, std::uint64_t finished, std::uint64_t total);
  /// Leaves the terminal's line; what is printed next begins on one of its own.
  void end();
  [[nodiscard]] double seconds() const;

 private:
  std::string what_;
  bool is_terminal_;
  bool is_shown_ = false;
  std::int64_t began_ms_;
  std::int64_t shown_ms_;
  std::uint64_t shown_finished_ = 0;
};

/// Makes interrupted() true on SIGINT and SIGTERM; a second one ends the process at once.
void catch_interrupts();
[[nodiscard]] bool interrupted() noexcept;

}  // namespace kpay::load
