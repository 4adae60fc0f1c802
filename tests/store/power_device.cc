#include "store/power_device.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <set>
#include <utility>

#include "base/check.h"

namespace kpay::store {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kSector = 512;

PowerDevice* device = nullptr;

std::string path_of(int file) {
  std::string path(4096, '\0');
  const ssize_t got =
      ::readlink(("/proc/self/fd/" + std::to_string(file)).c_str(), path.data(), path.size());
  path.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
  return path;
}

struct stat status_of(const fs::path& path) {
  struct stat status {};
  check(::stat(path.c_str(), &status) == 0, "what stands in a folder can be looked at");
  return status;
}

std::string read_file(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// ---- SQLite's calls

ssize_t on_pwrite(int file, const void* from, std::size_t size, off_t at) {
  const ssize_t done = ::pwrite(file, from, size, at);
  if (done > 0 && device != nullptr &&
      device->wrote(file, {static_cast<const char*>(from), static_cast<std::size_t>(done)}, at)) {
    device->step();
  }
  return done;
}

ssize_t on_write(int file, const void* from, std::size_t size) {
  const off_t at = ::lseek(file, 0, SEEK_CUR);
  const ssize_t done = ::write(file, from, size);
  if (done > 0 && device != nullptr &&
      device->wrote(file, {static_cast<const char*>(from), static_cast<std::size_t>(done)}, at)) {
    device->step();
  }
  return done;
}

int on_truncate(int file, off_t size) {
  const int done = ::ftruncate(file, size);
  if (done == 0 && device != nullptr && device->truncated(file, size)) {
    device->step();
  }
  return done;
}

int on_unlink(const char* path) {
  const int done = ::unlink(path);
  if (done == 0 && device != nullptr) {
    device->step();
  }
  return done;
}

struct Call {
  const char* name;
  sqlite3_syscall_ptr ours;
};

const std::vector<Call>& calls() {
  static const std::vector<Call> all{
      {"write", reinterpret_cast<sqlite3_syscall_ptr>(on_write)},
      {"pwrite", reinterpret_cast<sqlite3_syscall_ptr>(on_pwrite)},
      {"pwrite64", reinterpret_cast<sqlite3_syscall_ptr>(on_pwrite)},
      {"ftruncate", reinterpret_cast<sqlite3_syscall_ptr>(on_truncate)},
      {"unlink", reinterpret_cast<sqlite3_syscall_ptr>(on_unlink)}};
  return all;
}

// The folder's real disk need not sync: what a test keeps of it is what the device says.
int sync_now(int file, long call) {
  if (device == nullptr) {
    return static_cast<int>(::syscall(call, file));
  }
  device->step();
  if (device->synced(file)) {
    device->step();
  }
  return 0;
}

}  // namespace

PowerDevice::PowerDevice(fs::path folder) : folder_(fs::canonical(folder)) {
  check(device == nullptr, "one device at a time");
  look_at(folder_);
  synced_names_ = names_;
  for (auto& [number, file] : files_) {
    file.synced = now(file);
    file.since.clear();
  }
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  for (const Call& call : calls()) {
    vfs->xSetSystemCall(vfs, call.name, call.ours);
  }
  device = this;
}

PowerDevice::~PowerDevice() {
  device = nullptr;
  sqlite3_vfs* vfs = sqlite3_vfs_find(nullptr);
  for (const Call& call : calls()) {
    vfs->xSetSystemCall(vfs, call.name, nullptr);
  }
  for (const int file : held_) {
    ::close(file);
  }
}

void PowerDevice::step() {
  if (at_step) {
    at_step();
  }
}

PowerDevice::File* PowerDevice::file_of(int file) {
  struct stat status {};
  if (::fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
    return nullptr;
  }
  const auto known = files_.find(status.st_ino);
  if (known != files_.end()) {
    return &known->second;
  }
  if (!path_of(file).starts_with(folder_.string() + "/")) {
    return nullptr;
  }
  held_.push_back(::dup(file));
  return &files_[status.st_ino];
}

bool PowerDevice::wrote(int file, std::string_view bytes, off_t at) {
  File* known = file_of(file);
  if (known != nullptr) {
    known->since.push_back({static_cast<std::size_t>(at), std::string(bytes), false});
  }
  return known != nullptr;
}

bool PowerDevice::truncated(int file, off_t size) {
  File* known = file_of(file);
  if (known != nullptr) {
    known->since.push_back({static_cast<std::size_t>(size), {}, true});
  }
  return known != nullptr;
}

bool PowerDevice::synced(int file) {
  const std::string path = path_of(file);
  struct stat status {};
  if (path.empty() || ::fstat(file, &status) != 0) {
    return false;
  }
  if (S_ISDIR(status.st_mode)) {
    look_at(folder_);
    synced_names_[status.st_ino] = names_[status.st_ino];
    return path.starts_with(folder_.string());
  }
  File* known = file_of(file);
  if (known != nullptr) {
    known->synced = read_file("/proc/self/fd/" + std::to_string(file));
    known->since.clear();
  }
  return known != nullptr;
}

// The names below the folder as they are now, and what came into files without a call of SQLite's.
void PowerDevice::look_at(const fs::path& folder) {
  if (folder == folder_) {
    names_.clear();
  }
  Names& names = names_[status_of(folder).st_ino];
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const struct stat status = status_of(entry.path());
    names[entry.path().filename().string()] = status.st_ino;
    if (entry.is_directory()) {
      look_at(entry.path());
      continue;
    }
    const auto [file, is_new] = files_.try_emplace(status.st_ino);
    if (is_new) {
      held_.push_back(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC));
    }
    if (is_new || now(file->second).size() != static_cast<std::size_t>(status.st_size)) {
      std::vector<Write>& since = file->second.since;
      since.push_back({0, read_file(entry.path()), false});
      since.push_back({static_cast<std::size_t>(status.st_size), {}, true});
    }
  }
}

void PowerDevice::apply(std::string& bytes, const Write& write) {
  if (write.truncates) {
    bytes.resize(write.at);
    return;
  }
  bytes.resize(std::max(bytes.size(), write.at + write.bytes.size()));
  std::copy(write.bytes.begin(), write.bytes.end(),
            bytes.begin() + static_cast<std::ptrdiff_t>(write.at));
}

std::string PowerDevice::now(const File& file) {
  std::string bytes = file.synced;
  for (const Write& write : file.since) {
    apply(bytes, write);
  }
  return bytes;
}

struct PowerDevice::Cut {
  Leaves leaves;
  std::mt19937_64 random;
  Files found{};

  bool toss() { return random() % 2 == 0; }
};

// A write is torn where the device's sectors meet, and nowhere else.
std::string PowerDevice::left_of(const File& file, Cut& cut) const {
  if (cut.leaves == Leaves::nothing || file.since.empty()) {
    return file.synced;
  }
  if (cut.leaves == Leaves::all) {
    return now(file);
  }
  const bool in_order = cut.leaves == Leaves::beginning;
  const std::size_t torn = cut.random() % file.since.size();
  std::string left = file.synced;
  for (std::size_t i = 0; i < file.since.size() && !(in_order && i > torn); ++i) {
    const Write& write = file.since[i];
    const bool whole = in_order && i < torn;
    if (whole || write.truncates) {
      if (whole || cut.toss()) {
        apply(left, write);
      }
      continue;
    }
    for (std::size_t at = 0; at < write.bytes.size();) {
      const std::size_t size =
          std::min(kSector - (write.at + at) % kSector, write.bytes.size() - at);
      Write piece{write.at + at, write.bytes.substr(at, size), false};
      if (cut.toss()) {
        apply(left, piece);
      } else if (cut.leaves == Leaves::with_garbage && piece.at >= left.size() && cut.toss()) {
        std::generate(piece.bytes.begin(), piece.bytes.end(),
                      [&] { return static_cast<char>(cut.random()); });
        apply(left, piece);
      }
      at += size;
    }
  }
  return left;
}

// Each name that was changed since the folder was synced is as it was or as it became.
void PowerDevice::collect(ino_t folder, const std::string& prefix, Cut& cut) const {
  static const Names kNone;
  const auto names_in = [&](const std::map<ino_t, Names>& all) -> const Names& {
    const auto found = all.find(folder);
    return found == all.end() ? kNone : found->second;
  };
  const Names& before = names_in(synced_names_);
  const Names& after = names_in(names_);
  std::set<std::string> all;
  for (const Names* names : {&before, &after}) {
    for (const auto& [name, number] : *names) {
      all.insert(name);
    }
  }
  for (const std::string& name : all) {
    const auto old = before.find(name);
    const auto young = after.find(name);
    const ino_t was = old == before.end() ? 0 : old->second;
    const ino_t is = young == after.end() ? 0 : young->second;
    const bool stays = cut.leaves == Leaves::nothing || (cut.leaves != Leaves::all && cut.toss());
    const ino_t chosen = stays ? was : is;
    const auto file = files_.find(chosen);
    if (file != files_.end()) {
      cut.found[prefix + name] = left_of(file->second, cut);
    } else if (chosen != 0) {
      collect(chosen, prefix + name + "/", cut);
    }
  }
}

PowerDevice::Files PowerDevice::power_cut(Leaves leaves, std::uint64_t seed) {
  look_at(folder_);
  Cut cut{leaves, std::mt19937_64(seed)};
  collect(status_of(folder_).st_ino, "", cut);
  return std::move(cut.found);
}

}  // namespace kpay::store

// In place of libc's, for the whole process.
extern "C" {

int fsync(int file) { return kpay::store::sync_now(file, SYS_fsync); }
int fdatasync(int file) { return kpay::store::sync_now(file, SYS_fdatasync); }

int rename(const char* from, const char* to) noexcept {
  const int done = static_cast<int>(::syscall(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to));
  if (done == 0 && kpay::store::device != nullptr) {
    kpay::store::device->step();
  }
  return done;
}
}
