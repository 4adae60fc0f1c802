#include "stream/changelog_reader.h"

#include "base/plant.h"

#include <utility>

namespace kpay::stream {

Verdict ChangelogReader::feed(std::int64_t offset, ByteView record) {
  reason_.clear();
  std::optional<ChangelogRecord> decoded = decode_changelog(record);
  if (!decoded) {
    return ignore("unreadable record");
  }
  return std::visit([&](auto&& what) { return take(offset, std::forward<decltype(what)>(what)); },
                    std::move(*decoded));
}

Verdict ChangelogReader::ignore(std::string why) {
  reason_ = std::move(why);
  return Verdict::ignored;
}

Verdict ChangelogReader::reject(std::string why) {
  reason_ = std::move(why);
  epoch_rejected_ = true;
  return Verdict::rejected;
}

Verdict ChangelogReader::take(std::int64_t offset, OpenMarker&& marker) {
  using Kind = OpenMarker::Kind;
  if (epoch_ >= 0 && marker.identity.lineage != open_.identity.lineage) {
    return ignore("open marker of another lineage");
  }
  if (marker.kind == Kind::genesis && offset != 0) {
    return ignore("genesis that is not at the beginning");
  }
  // A reader that starts here has to take the first open marker as it is: the base proves it.
  if (marker.kind == Kind::renewal && epoch_ >= 0 && marker.previous_epoch != epoch_ &&
      !KPAY_PLANT(renewal_counts_as_takeover)) {
    return ignore("renewal of an epoch that is over");
  }
  if (marker.kind == Kind::genesis) {
    from_genesis_ = true;
    chain_known_ = true;
    logic_ = marker.logic;
  }
  open_ = std::move(marker);
  epoch_ = offset;
  epoch_rejected_ = false;
  has_first_of_epoch_ = false;
  if (!KPAY_PLANT(unclosed_rows_survive_takeover)) {
    checkpoint_ = {};
  }
  base_rows_ = {};
  return Verdict::opened;
}

Verdict ChangelogReader::take(std::int64_t, const RowFrame& frame) {
  if ((frame.epoch != epoch_ && !KPAY_PLANT(rows_of_any_epoch)) || epoch_rejected_) {
    return ignore("rows of epoch " + std::to_string(frame.epoch));
  }
  Pending& pending = frame.base ? base_rows_ : checkpoint_;
  if (pending.number != frame.number) {
    pending = {};
    pending.number = frame.number;
  }
  pending.rows += frame.rows;
  pending.digest = chain(pending.digest, frame.body);
  if (keep_rows_ && (keep_base_rows_ || !frame.base)) {
    pending.body.insert(pending.body.end(), frame.body.begin(), frame.body.end());
  }
  return Verdict::pending;
}

std::string ChangelogReader::fault_of(const Marker& marker) const {
  const Pending none;
  const Pending& rows = checkpoint_.number == marker.number ? checkpoint_ : none;
  if (chain_known_ && marker.number != marker_.number + 1) {
    return "number " + std::to_string(marker.number) + " after " + std::to_string(marker_.number);
  }
  if (chain_known_ && marker.previous_digest != marker_digest_ && !KPAY_PLANT(chain_unchecked)) {
    return "its previous digest is not that of marker " + std::to_string(marker_.number);
  }
  if (marker_.clean && marker_.epoch == marker.epoch) {
    return "it follows a clean marker of the same owner";
  }
  if (marker.rows != rows.rows) {
    return "it closes " + std::to_string(marker.rows) + " rows, the log has " +
           std::to_string(rows.rows);
  }
  if (marker.rows_digest != rows.digest) {
    return "the digest of its rows differs";
  }
  return {};
}

Verdict ChangelogReader::take(std::int64_t, Marker&& marker) {
  if ((marker.epoch != epoch_ && !KPAY_PLANT(marker_of_any_epoch)) || epoch_rejected_) {
    return ignore("marker of epoch " + std::to_string(marker.epoch));
  }
  if (std::string fault = fault_of(marker); !fault.empty()) {
    return reject("marker " + std::to_string(marker.number) + ": " + fault);
  }
  accepted_rows_ = checkpoint_.number == marker.number ? std::move(checkpoint_.body) : Bytes{};
  checkpoint_ = {};
  marker_ = std::move(marker);
  logic_ = marker_.logic;
  marker_digest_ = marker_.digest();
  chain_known_ = true;
  rows_since_base_ += marker_.rows;
  if (!has_first_of_epoch_) {
    rows_to_first_of_epoch_ = rows_since_base_;
    first_of_epoch_ = marker_;
    has_first_of_epoch_ = true;
  }
  return Verdict::checkpoint;
}

Verdict ChangelogReader::take(std::int64_t, const BaseMarker& marker) {
  if (marker.epoch != epoch_ || epoch_rejected_) {
    return ignore("base marker of epoch " + std::to_string(marker.epoch));
  }
  const bool fits = open_.kind == OpenMarker::Kind::renewal && has_first_of_epoch_ &&
                    marker.number == first_of_epoch_.number && marker.rows == base_rows_.rows &&
                    (marker.rows == 0 || marker.number == base_rows_.number) &&
                    marker.rows_digest == base_rows_.digest &&
                    marker.state_hash == first_of_epoch_.state_hash;
  if (!fits) {
    return reject("base of marker " + std::to_string(marker.number) + " doesn't fit its rows");
  }
  accepted_rows_ = std::move(base_rows_.body);
  base_rows_ = {};
  base_ = marker;
  rows_since_base_ -= rows_to_first_of_epoch_;
  rows_to_first_of_epoch_ = 0;
  return Verdict::base;
}

}  // namespace kpay::stream
