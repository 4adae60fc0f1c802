#include "sim/traps.h"

namespace kpay::sim {

const char* to_string(Point point) noexcept {
  switch (point) {
    case Point::before_output: return "before its first output";
    case Point::after_output: return "after an output";
    case Point::before_checkpoint: return "before a checkpoint";
    case Point::within_rows: return "within the rows";
    case Point::before_marker: return "between rows and marker";
    case Point::after_marker: return "after a marker";
    case Point::before_commit: return "before a commit";
    case Point::after_commit: return "after a commit";
    case Point::restoring: return "while restoring";
    case Point::after_open_marker: return "after its open marker";
    case Point::after_clean_marker: return "after a clean marker";
    case Point::after_resume: return "after resuming";
    case Point::renewal: return "at a renewal";
    case Point::base_rows: return "within a base";
    case Point::base_marker: return "at a base marker";
    case Point::following: return "following, as a standby";
    case Point::promoted: return "promoted, before it runs";
    case Point::count_: break;
  }
  return "?";
}

std::optional<Line> dying_at(Point point) {
  switch (point) {
    case Point::before_output: return Line::dies_before_output;
    case Point::after_output: return Line::dies_after_outputs;
    case Point::before_checkpoint: return Line::dies_before_checkpoint;
    case Point::within_rows: return Line::dies_within_rows;
    case Point::before_marker: return Line::dies_before_marker;
    case Point::before_commit: return Line::dies_before_commit;
    case Point::restoring: return Line::dies_restoring;
    case Point::after_open_marker: return Line::dies_after_open_marker;
    case Point::after_clean_marker: return Line::dies_after_clean_marker;
    case Point::after_resume: return Line::dies_after_resume;
    case Point::following: return Line::standby_dies;
    case Point::promoted: return Line::standby_dies_promoted;
    default: return std::nullopt;
  }
}

std::optional<Line> stopped_at(Point point) {
  switch (point) {
    case Point::before_output:
    case Point::after_output: return Line::zombie_at_output;
    case Point::before_checkpoint:
    case Point::within_rows:
    case Point::before_marker:
    case Point::after_marker:
    case Point::before_commit:
    case Point::after_commit:
    case Point::renewal:
    case Point::base_rows:
    case Point::base_marker: return Line::zombie_at_checkpoint;
    case Point::following: return Line::standby_stopped;
    default: return std::nullopt;
  }
}

std::optional<Point> Steps::before(const Parcel& parcel) {
  if (!parcel.task) {
    return std::nullopt;
  }
  Track& track = tracks_[*parcel.task];
  switch (parcel.what) {
    case What::output:
      return std::exchange(track.has_sent, true) ? std::nullopt
                                                 : std::optional(Point::before_output);
    case What::rows: return track.rows++ == 0 ? Point::before_checkpoint : Point::within_rows;
    case What::marker:
    case What::clean_marker:
      return std::exchange(track.rows, 0) == 0 ? Point::before_checkpoint : Point::before_marker;
    case What::renewal: return Point::renewal;
    case What::base_rows: return Point::base_rows;
    case What::base_marker: return Point::base_marker;
    default: return std::nullopt;
  }
}

std::optional<Point> Steps::after(const Parcel& parcel) {
  switch (parcel.what) {
    case What::output: return Point::after_output;
    case What::marker: return Point::after_marker;
    case What::clean_marker: return Point::after_clean_marker;
    case What::takeover: return Point::after_open_marker;
    default: return std::nullopt;
  }
}

}  // namespace kpay::sim
