#include "daemons/service/restore_snapshot.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/time.h"
#include "daemons/service/state_folder.h"
#include "stream/snapshot.h"

namespace kpay::daemons {

namespace {

namespace fs = std::filesystem;

Result<void> copy_file(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::copy_file(from, to, fs::copy_options::overwrite_existing, error);
  if (error) {
    return Unexpected(ErrorCode::io, to + ": " + error.message());
  }
  const int file = ::open(to.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  const int code = errno;
  if (file >= 0) {
    ::close(file);
  }
  return synced ? Result<void>() : Unexpected(ErrorCode::io, to + ": " + std::strerror(code));
}

// The database last: while it is there, what is beside it belongs to it.
Result<void> set_aside(const std::string& path) {
  const std::string aside = path + ".aside-" + std::to_string(wall_clock_now().ms) + "-replaced";
  for (const char* part : {"-wal", "-shm", "-journal", ""}) {
    const std::string from = path + part;
    if (std::rename(from.c_str(), (aside + part).c_str()) != 0 && errno != ENOENT) {
      return Unexpected(ErrorCode::io, from + ": cannot be set aside: " + std::strerror(errno));
    }
  }
  return {};
}

}  // namespace

Result<std::string> restore_snapshot(const DaemonKind& kind, const config::DaemonConfig& config,
                                     const std::string& folder) {
  const Result<stream::Snapshot> snapshot = stream::read_snapshot(folder);
  if (!snapshot) {
    return Unexpected(snapshot.error());
  }
  const stream::SnapshotManifest& manifest = snapshot->manifest;
  const std::string task = manifest.stage + "/" + std::to_string(manifest.partition);
  const bool ours = std::any_of(kind.specs.begin(), kind.specs.end(),
                                [&](const auto& spec) { return spec.name == manifest.stage; });
  if (!ours || manifest.identity.partitions != config.kafka.partitions) {
    return Unexpected(ErrorCode::invalid, folder + ": it is of " + task + " of " +
                                              std::to_string(manifest.identity.partitions) +
                                              " partitions, which is no task of this " + kind.name);
  }
  if (Result<void> whole = stream::check_snapshot(*snapshot); !whole) {
    return Unexpected(whole.error());
  }
  const Result<std::unique_ptr<StateFolder>> state = StateFolder::open(
      config.state.directory, config.state.synchronous == config::Synchronous::full);
  if (!state) {
    return Unexpected(state.error());
  }
  const std::string path = config.state.directory + "/" + manifest.stage + "-" +
                           std::to_string(manifest.partition) + ".db";
  const std::string coming = path + ".restoring";
  if (Result<void> copied = copy_file(folder + "/" + std::string(stream::kSnapshotFile), coming);
      !copied) {
    return Unexpected(copied.error());
  }
  if (Result<void> moved = set_aside(path); !moved) {
    return Unexpected(moved.error());
  }
  if (std::rename(coming.c_str(), path.c_str()) != 0) {
    return Unexpected(ErrorCode::io, path + ": " + std::strerror(errno));
  }
  return task + " has the state as of marker " + std::to_string(manifest.marker.number) +
         ", input position " + std::to_string(manifest.marker.registers.position) + ": " + path;
}

}  // namespace kpay::daemons
