#include "sim/chain.h"

namespace kpay::sim {

Chain::Step Chain::open(std::int64_t offset, const stream::OpenMarker& marker) {
  const bool renewal = marker.kind == stream::OpenMarker::Kind::renewal;
  if (renewal && marker.previous_epoch != epoch_) {
    return Step::late_renewal;
  }
  if (marker.kind == stream::OpenMarker::Kind::genesis) {
    genesis_ = marker;
  }
  epoch_ = offset;
  owner_ = marker.owner;
  pending_rows_ = 0;
  pending_number_ = 0;
  epoch_broken_ = false;
  return renewal ? Step::renewal : Step::takeover;
}

Chain::Step Chain::close(const stream::Marker& marker) {
  if (marker.epoch != epoch_ || epoch_broken_) {
    return Step::stale;
  }
  const std::uint32_t rows = pending_number_ == marker.number ? pending_rows_ : 0;
  const bool follows =
      marker.number == markers_.size() + 1 &&
      marker.previous_digest == (markers_.empty() ? Hash128{} : markers_.back().digest());
  const bool after_clean =
      !markers_.empty() && markers_.back().clean && markers_.back().epoch == epoch_;
  pending_rows_ = 0;
  if (!follows || rows != marker.rows || after_clean) {
    epoch_broken_ = true;
    return Step::stale;
  }
  markers_.push_back(marker);
  return Step::marker;
}

Chain::Step Chain::take(std::int64_t offset, ByteView record) {
  const std::optional<stream::ChangelogRecord> decoded = stream::decode_changelog(record);
  if (!decoded) {
    return Step::nothing;
  }
  if (const auto* marker = std::get_if<stream::OpenMarker>(&*decoded)) {
    return open(offset, *marker);
  }
  if (const auto* marker = std::get_if<stream::Marker>(&*decoded)) {
    return close(*marker);
  }
  if (const auto* rows = std::get_if<stream::RowFrame>(&*decoded)) {
    if (rows->epoch != epoch_) {
      return Step::stale;
    }
    if (!rows->base) {
      pending_rows_ = pending_number_ == rows->number ? pending_rows_ : 0;
      pending_number_ = rows->number;
      pending_rows_ += rows->rows;
    }
    return Step::nothing;
  }
  return std::get<stream::BaseMarker>(*decoded).epoch == epoch_ ? Step::base : Step::stale;
}

}  // namespace kpay::sim
