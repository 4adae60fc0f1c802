#include "daemons/service/state_folder.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "store/state_file.h"
#include "stream/snapshot.h"

namespace kpay::daemons {

namespace {

// Of the file that runs: its version may be the same and its code another.
Hash128 hash_of_binary() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return hash128(as_bytes(bytes));
}

}  // namespace

Result<std::unique_ptr<StateFolder>> StateFolder::open(const std::string& path, bool sync_full) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return Unexpected(ErrorCode::io, "state.directory " + path + ": " + error.message());
  }
  const std::string lock_path = path + "/lock";
  const int lock = ::open(lock_path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (lock < 0) {
    return Unexpected(ErrorCode::io, lock_path + ": " + std::strerror(errno));
  }
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    char owner[32] = {};
    const ssize_t got = ::pread(lock, owner, sizeof owner - 1, 0);
    ::close(lock);
    return Unexpected(ErrorCode::conflict,
                      "state.directory " + path + " is in use by process " +
                          (got > 0 ? std::string(owner) : std::string("unknown")) +
                          ": each instance needs a folder and an id of its own");
  }
  const std::string pid = std::to_string(::getpid());
  if (::ftruncate(lock, 0) != 0 || ::pwrite(lock, pid.data(), pid.size(), 0) < 0) {
    ::close(lock);
    return Unexpected(ErrorCode::io, lock_path + ": " + std::strerror(errno));
  }
  std::unique_ptr<StateFolder> folder(new StateFolder(path, lock, sync_full));
  Result<std::unique_ptr<store::DeathNotes>> notes =
      store::DeathNotes::open(path + "/notes", hash_of_binary());
  if (!notes) {
    return Unexpected(notes.error());
  }
  folder->notes_ = std::move(*notes);
  return folder;
}

StateFolder::~StateFolder() { ::close(lock_); }

Result<std::unique_ptr<store::StateStore>> StateFolder::open_store(
    const stream::StageSpec& spec, std::int32_t partition, const stream::Identity& identity) const {
  store::StateFileOptions options;
  options.path = path_ + "/" + spec.name + "-" + std::to_string(partition) + ".db";
  options.sync_full = sync_full_;
  options.identity = stream::file_identity(spec.name, partition, identity);
  Result<std::unique_ptr<store::StateFile>> file = store::StateFile::open(std::move(options));
  if (!file) {
    return Unexpected(file.error());
  }
  return std::unique_ptr<store::StateStore>(std::move(*file));
}

}  // namespace kpay::daemons
