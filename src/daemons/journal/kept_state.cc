#include "daemons/journal/kept_state.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/time.h"
#include "daemons/journal/limits.h"

namespace kpay::journal {

namespace {

Error io(const std::string& path, const char* what) {
  return {ErrorCode::io, path + ": " + what + ": " + std::strerror(errno)};
}

// Closes the descriptor in any case.
Result<void> sync_and_close(int file, const std::string& path) {
  const bool synced = ::fsync(file) == 0;
  const Error error = io(path, "fsync");
  const bool closed = ::close(file) == 0;
  return synced && closed ? Result<void>() : Unexpected(error);
}

Result<void> write_file(const std::string& path, ByteView bytes) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
  if (file < 0) {
    return Unexpected(io(path, "open"));
  }
  while (!bytes.empty()) {
    const ssize_t wrote = ::write(file, bytes.data(), bytes.size());
    if (wrote < 0) {
      const Error error = io(path, "write");
      (void)::close(file);
      return Unexpected(error);
    }
    bytes = bytes.subspan(static_cast<std::size_t>(wrote));
  }
  return sync_and_close(file, path);
}

}  // namespace

Result<std::optional<Bytes>> KeptState::read(const audit::KeptIdentity& identity) const {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path(), error);
  if (error == std::errc::no_such_file_or_directory) {
    return std::optional<Bytes>();
  }
  if (error) {
    return Unexpected(ErrorCode::io, path() + ": " + error.message());
  }
  Bytes bytes(static_cast<std::size_t>(size));
  std::ifstream in(path(), std::ios::binary);
  if (!in.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(size))) {
    return Unexpected(ErrorCode::io, path() + " can't be read");
  }
  Result<ByteView> state = audit::read_kept_file(identity, bytes);
  return state ? Result<std::optional<Bytes>>(std::optional(to_bytes(*state)))
               : Unexpected(state.error());
}

Result<std::string> KeptState::set_aside(const std::string& why) const {
  std::error_code error;
  const std::string aside = path() + ".aside-" + std::to_string(wall_clock_now().ms) + "-" + why;
  std::filesystem::rename(path(), aside, error);
  return error ? Result<std::string>(Unexpected(ErrorCode::io, path() + ": " + error.message()))
               : Result<std::string>(aside);
}

Result<void> KeptState::write(const audit::KeptIdentity& identity, ByteView state) const {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) {
    return Unexpected(ErrorCode::io, folder_ + ": " + error.message());
  }
  const std::string next = path() + ".next";
  if (Result<void> wrote = write_file(next, audit::make_kept_file(identity, state)); !wrote) {
    return wrote;
  }
  std::filesystem::rename(next, path(), error);
  if (error) {
    return Unexpected(ErrorCode::io, path() + ": " + error.message());
  }
  // The name is on the disk when the folder is.
  const int folder = ::open(folder_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  return folder < 0 ? Unexpected(io(folder_, "open")) : sync_and_close(folder, folder_);
}

void KeptState::tried(std::int64_t began_ms, std::int64_t now_ms) noexcept {
  due_ms_ = now_ms + std::max(limits::keep_ms, (now_ms - began_ms) * limits::keep_share);
}

}  // namespace kpay::journal
