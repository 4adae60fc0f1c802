#include "stream/snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "base/plant.h"
#include "stream/table.h"

namespace kpay::stream {

namespace {

namespace fs = std::filesystem;

constexpr int kMarkerDigits = 12;

std::string in(const std::string& folder, std::string_view name) {
  return folder + "/" + std::string(name);
}

Result<void> sync(const std::string& path) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int code = errno;
  if (file >= 0) {
    ::close(file);
  }
  return synced ? Result<void>() : Unexpected(ErrorCode::io, path + ": " + std::strerror(code));
}

Result<void> write_manifest(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  return out ? sync(path) : Unexpected(ErrorCode::io, path + ": cannot be written");
}

Result<Marker> marker_of(store::StateFile& file, const std::string& path) {
  Result<std::optional<Bytes>> bytes = file.marker();
  if (!bytes) {
    return Unexpected(bytes.error());
  }
  const std::optional<ChangelogRecord> record =
      *bytes ? decode_changelog(**bytes) : std::optional<ChangelogRecord>();
  if (!record || !std::holds_alternative<Marker>(*record)) {
    return Unexpected(ErrorCode::corrupt, path + ": it has no marker that can be read");
  }
  return std::get<Marker>(*record);
}

Result<void> check_identity(store::StateFile& file, const std::string& path,
                            const SnapshotManifest& manifest) {
  Result<Bytes> identity = file.identity();
  if (!identity) {
    return Unexpected(identity.error());
  }
  if (*identity != file_identity(manifest.stage, manifest.partition, manifest.identity)) {
    return Unexpected(ErrorCode::corrupt, path + ": it is not of the task that the manifest names");
  }
  return {};
}

}  // namespace

Bytes file_identity(const std::string& stage, std::int32_t partition, const Identity& identity) {
  Bytes bytes;
  ByteWriter out(bytes);
  out.sized(identity.cluster_id);
  out.sized(stage);
  out.put(partition);
  out.put(identity.partitions);
  for (const Uuid& id : identity.topic_ids) {
    out.raw(id.view());
  }
  return bytes;
}

std::string snapshot_name(const SnapshotManifest& manifest) {
  std::string number = std::to_string(manifest.marker.number);
  number.insert(0, number.size() < kMarkerDigits ? kMarkerDigits - number.size() : 0, '0');
  return manifest.stage + "-" + std::to_string(manifest.partition) + "-" + number;
}

Result<Snapshot> read_snapshot(const std::string& folder) {
  const std::string path = in(folder, kManifestFile);
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return Unexpected(ErrorCode::not_found, folder + ": there is no snapshot (no " + path + ")");
  }
  std::string text(kManifestBytesMax + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.size() > kManifestBytesMax) {
    return Unexpected(ErrorCode::corrupt, path + ": larger than any manifest");
  }
  Result<SnapshotManifest> manifest = decode_manifest(text);
  if (!manifest) {
    return Unexpected(manifest.error().code, path + ": " + manifest.error().message);
  }
  return Snapshot{folder, std::move(*manifest)};
}

std::vector<Snapshot> list_snapshots(
    const std::string& folder,
    const std::function<void(const std::string& folder, const Error& error)>& damaged) {
  std::vector<Snapshot> found;
  std::error_code none;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, none)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with('.') || !entry.is_directory(none)) {
      continue;  // one that is being made, or was when the power went
    }
    Result<Snapshot> snapshot = read_snapshot(entry.path().string());
    if (snapshot) {
      found.push_back(std::move(*snapshot));
    } else if (snapshot.error().code != ErrorCode::not_found) {
      damaged(entry.path().string(), snapshot.error());
    }
  }
  std::sort(found.begin(), found.end(), [](const Snapshot& a, const Snapshot& b) {
    const auto key = [](const SnapshotManifest& m) {
      return std::tie(m.stage, m.partition, m.marker.number, m.taken.ms);
    };
    return key(a.manifest) < key(b.manifest);
  });
  return found;
}

Result<Snapshot> finish_snapshot(const std::string& making, const std::string& into,
                                 SnapshotManifest manifest) {
  const std::string path = in(making, kSnapshotFile);
  if (Result<void> synced = sync(path); !synced) {
    return Unexpected(synced.error());
  }
  {
    Result<std::unique_ptr<store::StateFile>> file = store::StateFile::open_copy(path);
    if (!file) {
      return Unexpected(file.error());
    }
    if (Result<void> ours = check_identity(**file, path, manifest); !ours) {
      return Unexpected(ours.error());
    }
    Result<Marker> marker = marker_of(**file, path);
    if (!marker) {
      return Unexpected(marker.error());
    }
    manifest.marker = std::move(*marker);
  }
  Result<FileSum> sum = sum_file(path);
  if (!sum) {
    return Unexpected(sum.error());
  }
  manifest.file = *sum;
  if (Result<void> written = write_manifest(in(making, kManifestFile), encode(manifest));
      !written) {
    return Unexpected(written.error());
  }
  if (Result<void> synced = sync(making); !synced) {
    return Unexpected(synced.error());
  }
  const std::string folder = in(into, snapshot_name(manifest));
  if (std::rename(making.c_str(), folder.c_str()) != 0) {
    if (errno != ENOTEMPTY && errno != EEXIST) {
      return Unexpected(ErrorCode::io, folder + ": cannot get its name: " + std::strerror(errno));
    }
    std::error_code none;  // as of the same marker there is one: they say the same
    fs::remove_all(making, none);
    return read_snapshot(folder);
  }
  if (Result<void> synced = sync(into); !synced) {
    return Unexpected(synced.error());
  }
  return Snapshot{folder, std::move(manifest)};
}

Result<void> check_snapshot(const Snapshot& snapshot,
                            const std::function<Result<void>(const store::StoredRow&)>& sink) {
  const SnapshotManifest& manifest = snapshot.manifest;
  const std::string path = in(snapshot.folder, kSnapshotFile);
  Result<FileSum> sum = sum_file(path);
  if (!sum) {
    return Unexpected(sum.error());
  }
  if (sum->bytes != manifest.file.bytes || sum->sha256 != manifest.file.sha256) {
    return Unexpected(ErrorCode::corrupt, path + ": it is not the file that the manifest is of (" +
                                              std::to_string(sum->bytes) + " bytes, SHA-256 " +
                                              to_hex(sum->sha256) + "; written were " +
                                              std::to_string(manifest.file.bytes) + " bytes, " +
                                              to_hex(manifest.file.sha256) + ")");
  }
  Result<std::unique_ptr<store::StateFile>> file = store::StateFile::open_copy(path);
  if (!file) {
    return Unexpected(file.error());
  }
  if (Result<void> ours = check_identity(**file, path, manifest); !ours) {
    return ours;
  }
  Result<Marker> marker = marker_of(**file, path);
  if (!marker) {
    return Unexpected(marker.error());
  }
  if (marker->digest() != manifest.marker.digest() && !KPAY_PLANT(snapshot_of_any_marker)) {
    return Unexpected(ErrorCode::corrupt, path + ": its marker is not the one of the manifest");
  }
  Hash128 rows;
  Result<void> loaded = (*file)->load([&](const store::StoredRow& row) -> Result<void> {
    rows += row_hash(row.table, row.key, *row.value);
    return sink ? sink(row) : Result<void>();
  });
  if (!loaded) {
    return loaded;
  }
  if (state_hash(rows, marker->registers) != marker->state_hash) {
    return Unexpected(ErrorCode::corrupt,
                      path + ": its rows don't have the hash that its marker tells");
  }
  return {};
}

}  // namespace kpay::stream
