// RowPacker: packs rows into row frames of a bounded size, for checkpoints and bases (R14).
#pragma once

#include <vector>

#include "stream/changelog.h"

namespace kpay::stream {

/// Threads: one at a time.
class RowPacker {
 public:
  RowPacker(bool base, std::int64_t epoch, std::uint64_t number, std::size_t bytes_max)
      : base_(base), epoch_(epoch), number_(number), bytes_max_(bytes_max) {}

  void add(std::uint16_t table, ByteView key, std::optional<ByteView> value) {
    ByteWriter out(body_);
    put_row(out, table, key, value);
    ++in_frame_;
    if (body_.size() >= bytes_max_) {
      close_frame();
    }
  }
  void close_frame() {
    if (in_frame_ == 0) {
      return;
    }
    digest_ = chain(digest_, body_);
    frames_.push_back(encode(RowFrame{base_, epoch_, number_, in_frame_, body_}));
    rows_ += in_frame_;
    in_frame_ = 0;
    body_.clear();
  }
  [[nodiscard]] std::vector<Bytes>& frames() noexcept { return frames_; }
  [[nodiscard]] std::uint32_t rows() const noexcept { return rows_; }
  [[nodiscard]] const Hash128& digest() const noexcept { return digest_; }
  void go_on_from(const Hash128& digest) noexcept { digest_ = digest; }

 private:
  bool base_;
  std::int64_t epoch_;
  std::uint64_t number_;
  std::size_t bytes_max_;
  Bytes body_;
  std::uint32_t in_frame_ = 0;
  std::uint32_t rows_ = 0;
  Hash128 digest_;
  std::vector<Bytes> frames_;
};

}  // namespace kpay::stream
