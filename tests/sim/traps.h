// Traps: where a process dies, or is stopped as if by SIGSTOP. A trap waits until its point of the
// crash table is reached by a task of its stage, however long that takes.
#pragma once

#include <map>
#include <optional>

#include "sim/coverage.h"
#include "sim/parcel.h"

namespace kpay::sim {

/// Steps of a task that a trap can wait for.
enum class Point : std::uint8_t {
  before_output,
  after_output,
  before_checkpoint,
  within_rows,
  before_marker,
  after_marker,
  before_commit,
  after_commit,
  restoring,
  after_open_marker,
  after_clean_marker,
  after_resume,
  renewal,
  base_rows,
  base_marker,
  following,
  promoted,
  count_,
};
[[nodiscard]] const char* to_string(Point point) noexcept;
/// The line that dying there belongs to; nothing for points that have none of their own.
[[nodiscard]] std::optional<Line> dying_at(Point point);
/// The line that being stopped there belongs to.
[[nodiscard]] std::optional<Line> stopped_at(Point point);

struct Trap {
  Point point = Point::after_output;
  std::size_t stage = 0;
  bool freezes = false;  ///< stops the process instead of killing it
  int passes = 0;        ///< how often the point is passed before
};

/// Sees the steps of one process's tasks, and says which point each is.
class Steps {
 public:
  /// The point just before that parcel is handed over, if any.
  std::optional<Point> before(const Parcel& parcel);
  /// The point just after.
  [[nodiscard]] static std::optional<Point> after(const Parcel& parcel);
  void resumed(const Place& place) { tracks_[place] = {}; }

 private:
  struct Track {
    bool has_sent = false;  // an output, since it was restored
    int rows = 0;           // frames of the checkpoint under way
  };
  std::map<Place, Track> tracks_;
};

}  // namespace kpay::sim
