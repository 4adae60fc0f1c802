// Snapshots, as anything may have left them on the disk or on the way: whole, or refused.
//
// The manifest with its length before it; the rest is state.db. A second look gives the manifest
// the right checksum, or no mutation would ever be read as a database.
#include "base/check.h"
#include "fuzz/scratch_folder.h"
#include "fuzz/target.h"
#include "stream/snapshot.h"

namespace kpay::fuzz {

namespace {

void check_error(const Error& error) {
  check(!error.message.empty(), "an error says what is wrong");
}

void look_at(const stream::Snapshot& snapshot) {
  std::uint64_t rows = 0;
  const Result<void> checked =
      stream::check_snapshot(snapshot, [&](const store::StoredRow& row) -> Result<void> {
        check(row.value.has_value(), "rows that are there have a value");
        ++rows;
        return {};
      });
  if (!checked) {
    check_error(checked.error());
  }
}

}  // namespace

void run_snapshot(ByteView input) {
  static const ScratchFolder folder("snapshot");
  ByteReader in(input);
  const ByteView text = in.sized();
  const ByteView file = in.raw(in.left());
  if (!in.ok()) {
    return;
  }
  Result<stream::SnapshotManifest> manifest = stream::decode_manifest(as_text(text));
  if (!manifest) {
    check_error(manifest.error());
    return;
  }
  check(stream::encode(*manifest) == as_text(text), "one text for each manifest");
  folder.empty();
  folder.write("manifest", text);
  folder.write("state.db", file);
  const std::string path = folder.file("state.db");
  Result<stream::Snapshot> snapshot = stream::read_snapshot(path.substr(0, path.rfind('/')));
  check(snapshot.has_value(), "a manifest that can be decoded can be read");
  look_at(*snapshot);
  snapshot->manifest.file = *sum_file(path);
  look_at(*snapshot);
}

}  // namespace kpay::fuzz
