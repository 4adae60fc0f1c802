#include "recompute/trails.h"

#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>

namespace kpay::recompute {

namespace {

Error io(const char* what) {
  return {ErrorCode::io, std::string("temporary file: ") + what + ": " + std::strerror(errno)};
}

Result<int> open_nameless() {
  const char* const folder = std::getenv("TMPDIR");
  std::string name = std::string(folder == nullptr ? "/tmp" : folder) + "/kpay-trails-XXXXXX";
  const int file = ::mkstemp(name.data());
  if (file < 0) {
    return Unexpected(io(name.c_str()));
  }
  (void)::unlink(name.c_str());
  return file;
}

}  // namespace

Trails::~Trails() {
  if (file_ >= 0) {
    (void)::close(file_);
  }
}

Result<void> Trails::add(const Lane& lane, std::uint64_t number, const Standing& event) {
  Trail& trail = trails_[lane];
  if (trail.chunks.empty() && trail.tail.empty()) {
    trail.first = number;
  }
  trail.tail.push_back(event);
  ++events_;
  return trail.tail.size() < kChunk ? Result<void>() : spill(trail);
}

Result<void> Trails::spill(Trail& trail) {
  if (file_ < 0) {
    Result<int> file = open_nameless();
    if (!file) {
      return Unexpected(file.error());
    }
    file_ = *file;
  }
  const char* bytes = reinterpret_cast<const char*>(trail.tail.data());
  const std::size_t size = trail.tail.size() * sizeof(Standing);
  for (std::size_t done = 0; done < size;) {
    const ssize_t wrote =
        ::pwrite(file_, bytes + done, size - done, static_cast<off_t>(end_ + done));
    if (wrote <= 0) {
      return Unexpected(io("write"));
    }
    done += static_cast<std::size_t>(wrote);
  }
  trail.chunks.push_back(end_);
  end_ += size;
  trail.tail.clear();
  return {};
}

Result<void> Trails::load(std::uint64_t place, std::vector<Standing>& chunk) const {
  chunk.resize(kChunk);
  char* bytes = reinterpret_cast<char*>(chunk.data());
  const std::size_t size = kChunk * sizeof(Standing);
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::pread(file_, bytes + done, size - done, static_cast<off_t>(place + done));
    if (got <= 0) {
      return Unexpected(io("read"));
    }
    done += static_cast<std::size_t>(got);
  }
  return {};
}

Trails::Reader Trails::read(const Lane& lane) const {
  Reader reader;
  if (const auto found = trails_.find(lane); found != trails_.end()) {
    reader.trails_ = this;
    reader.chunks_ = &found->second.chunks;
    reader.tail_ = &found->second.tail;
    reader.first_ = found->second.first;
  }
  return reader;
}

Result<const Standing*> Trails::Reader::peek() {
  if (trails_ == nullptr) {
    return nullptr;
  }
  const std::size_t chunk = static_cast<std::size_t>(at_ / kChunk);
  const std::size_t place = static_cast<std::size_t>(at_ % kChunk);
  if (chunk >= chunks_->size()) {
    return place < tail_->size() && chunk == chunks_->size() ? &(*tail_)[place] : nullptr;
  }
  if (loaded_ != chunk + 1) {
    if (Result<void> read = trails_->load((*chunks_)[chunk], chunk_); !read) {
      return Unexpected(read.error());
    }
    loaded_ = chunk + 1;
  }
  return &chunk_[place];
}

}  // namespace kpay::recompute
