// Snapshots: a task's state as of one accepted marker, kept in a folder of its own:
//
//   <stage>-<partition>-<marker>/state.db   the state file's copy
//   <stage>-<partition>-<marker>/manifest   whose it is, as of which marker, its checksum
//
// The folder gets its name when all is written and synced, so there is no half snapshot. What a
// snapshot says of itself is checked against the log before a task runs on it (R17). docs/store.md.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/sha256.h"
#include "store/state_file.h"
#include "stream/changelog.h"

namespace kpay::stream {

inline constexpr std::string_view kSnapshotFile = "state.db";
inline constexpr std::string_view kManifestFile = "manifest";
inline constexpr std::size_t kManifestBytesMax = 1U << 20U;

struct SnapshotManifest {
  std::string stage;
  std::int32_t partition = 0;
  Identity identity;
  Timestamp taken;
  std::string instance;  ///< who took it
  std::string build;
  FileSum file;   ///< of state.db
  Marker marker;  ///< the state's
};

/// Lines of text; the marker is there once as a record, and in words for people.
[[nodiscard]] std::string encode(const SnapshotManifest& manifest);
/// Errors: corrupt, with the line that is wrong. What is accepted is encoded to the same text.
[[nodiscard]] Result<SnapshotManifest> decode_manifest(std::string_view text);

/// The bytes by which a state file knows its task.
[[nodiscard]] Bytes file_identity(const std::string& stage, std::int32_t partition,
                                  const Identity& identity);

/// "<stage>-<partition>-<marker>", so that names sort as the markers do.
[[nodiscard]] std::string snapshot_name(const SnapshotManifest& manifest);

/// One that stands in a folder.
struct Snapshot {
  std::string folder;
  SnapshotManifest manifest;
};

/// Reads a snapshot's manifest. Errors: not_found (no snapshot), corrupt, io.
[[nodiscard]] Result<Snapshot> read_snapshot(const std::string& folder);
/// Those in a folder of snapshots, by task and marker; what can't be read goes to `damaged`, with
/// its folder. A folder that isn't there has none.
[[nodiscard]] std::vector<Snapshot> list_snapshots(
    const std::string& folder,
    const std::function<void(const std::string& folder, const Error& error)>& damaged);

/// Takes state.db of `making` for a whole copy: syncs it, sums it up, reads its marker, writes the
/// manifest beside it, and gives the folder its name in `into`. One that is there already stays.
/// `manifest` has all but file and marker. Errors: corrupt (another task's, no marker), io.
Result<Snapshot> finish_snapshot(const std::string& making, const std::string& into,
                                 SnapshotManifest manifest);

/// Reads the whole of it: size and checksum, whose it is, its marker, and that the rows have the
/// hash that the marker tells. Gives each row to `sink`, if there is one.
/// Errors: corrupt, io; those of `sink`.
Result<void> check_snapshot(const Snapshot& snapshot,
                            const std::function<Result<void>(const store::StoredRow&)>& sink = {});

}  // namespace kpay::stream
