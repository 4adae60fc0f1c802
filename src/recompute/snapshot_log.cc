#include "recompute/snapshot_log.h"

#include "stream/row_packer.h"

namespace kpay::recompute {

namespace {

constexpr std::int64_t kEpoch = kSnapshotLogBegin;  // the open marker's offset
constexpr std::size_t kFrameBytesMax = 256 * 1024;

}  // namespace

Result<std::vector<Bytes>> changelog_of(const stream::Snapshot& snapshot) {
  const stream::SnapshotManifest& manifest = snapshot.manifest;
  stream::OpenMarker open;
  open.kind = stream::OpenMarker::Kind::renewal;  // only a renewal has a base (R14)
  open.identity = manifest.identity;
  open.owner = manifest.instance;
  open.build = manifest.build;
  open.logic = manifest.marker.logic;
  stream::Marker marker = manifest.marker;
  marker.epoch = kEpoch;
  marker.rows = 0;
  marker.rows_digest = {};
  marker.clean = false;
  stream::RowPacker packer(true, kEpoch, marker.number, kFrameBytesMax);
  const Result<void> whole =
      stream::check_snapshot(snapshot, [&](const store::StoredRow& row) -> Result<void> {
        packer.add(row.table, row.key, row.value);
        return {};
      });
  if (!whole) {
    return Unexpected(whole.error());
  }
  packer.close_frame();
  stream::BaseMarker base;
  base.epoch = kEpoch;
  base.number = marker.number;
  base.rows = packer.rows();
  base.rows_digest = packer.digest();
  base.state_hash = marker.state_hash;
  std::vector<Bytes> records;
  records.push_back(encode(open));
  records.push_back(encode(marker));
  for (Bytes& frame : packer.frames()) {
    records.push_back(std::move(frame));
  }
  records.push_back(encode(base));
  return records;
}

}  // namespace kpay::recompute
