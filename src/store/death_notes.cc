#include "store/death_notes.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace kpay::store {

namespace {

constexpr std::array<char, 8> kMagic = {'k', 'n', 'o', 't', 'e', 's', '0', '1'};

Unexpected failure(const std::string& path, const char* doing) {
  return Unexpected(ErrorCode::io, path + ": " + doing + ": " + std::strerror(errno));
}

}  // namespace

Result<std::unique_ptr<DeathNotes>> DeathNotes::open(const std::string& path,
                                                     const Hash128& build) {
  const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (file < 0) {
    return failure(path, "opening the notes");
  }
  // Allocated, so that a full disk is told here and not by a signal at the first note.
  const int allocated = ::posix_fallocate(file, 0, sizeof(Page));
  void* mapped = allocated == 0
                     ? ::mmap(nullptr, sizeof(Page), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0)
                     : MAP_FAILED;
  errno = allocated != 0 ? allocated : errno;
  ::close(file);
  if (mapped == MAP_FAILED) {
    return failure(path, "mapping the notes");
  }
  std::unique_ptr<DeathNotes> notes(new DeathNotes(static_cast<Page*>(mapped)));
  Page& page = *notes->page_;
  if (page.magic != kMagic || page.build != build) {
    std::memset(mapped, 0, sizeof(Page));
    page.magic = kMagic;
    page.build = build;
  }
  for (DeathNote& note : page.notes) {
    if (const std::int64_t at = note.in_hand_.exchange(0); at != 0) {
      note.deaths_ = at == note.died_at_ ? note.deaths_ + 1 : 1;
      note.died_at_ = at;
    }
  }
  return notes;
}

DeathNotes::~DeathNotes() { ::munmap(page_, sizeof(Page)); }

DeathNote* DeathNotes::note(std::uint16_t stage, std::int32_t partition) noexcept {
  const std::lock_guard lock(mutex_);
  for (DeathNote& note : page_->notes) {
    if (note.used_ == 0) {
      note.used_ = 1;
      note.stage_ = stage;
      note.partition_ = partition;
    }
    if (note.stage_ == stage && note.partition_ == partition) {
      return &note;
    }
  }
  return nullptr;
}

}  // namespace kpay::store
