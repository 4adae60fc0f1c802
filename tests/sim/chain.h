// Chain: what counts of one changelog, by a second, simpler reading of R14 and R16 than that of
// stream::ChangelogReader: so that a mistake there isn't made here, too.
#pragma once

#include <vector>

#include "stream/changelog.h"

namespace kpay::sim {

class Chain {
 public:
  /// What a record did.
  enum class Step : std::uint8_t { nothing, takeover, renewal, late_renewal, marker, base, stale };

  /// REQUIRES: every record of the changelog, in order, as it is appended.
  Step take(std::int64_t offset, ByteView record);

  [[nodiscard]] std::int64_t epoch() const noexcept { return epoch_; }
  [[nodiscard]] const std::string& owner() const noexcept { return owner_; }
  /// All markers that count, in order.
  [[nodiscard]] const std::vector<stream::Marker>& markers() const noexcept { return markers_; }
  /// Rows of the epoch that no marker has closed yet.
  [[nodiscard]] std::uint32_t pending_rows() const noexcept { return pending_rows_; }
  [[nodiscard]] const stream::OpenMarker& genesis() const noexcept { return genesis_; }

 private:
  Step open(std::int64_t offset, const stream::OpenMarker& marker);
  Step close(const stream::Marker& marker);

  std::int64_t epoch_ = -1;
  std::string owner_;
  stream::OpenMarker genesis_;
  std::uint64_t pending_number_ = 0;  // rows that no marker has closed yet
  std::uint32_t pending_rows_ = 0;
  bool epoch_broken_ = false;
  std::vector<stream::Marker> markers_;
};

}  // namespace kpay::sim
