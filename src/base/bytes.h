// Bytes: views, and the writer and reader of our binary formats (little-endian, fixed widths).
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace kpay {

using Bytes = std::vector<std::byte>;
using ByteView = std::span<const std::byte>;

static_assert(std::endian::native == std::endian::little,
              "formats are written as the host has them");

[[nodiscard]] inline ByteView as_bytes(std::string_view text) noexcept {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
[[nodiscard]] inline std::string_view as_text(ByteView bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}
[[nodiscard]] inline Bytes to_bytes(ByteView view) { return {view.begin(), view.end()}; }
[[nodiscard]] inline bool equal(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}
/// Lower-case hexadecimal.
[[nodiscard]] std::string to_hex(ByteView bytes);
/// Of either case. Nothing when the text has an odd length or another character.
[[nodiscard]] std::optional<Bytes> from_hex(std::string_view text);

/// Appends to a byte vector that the caller owns.
class ByteWriter {
 public:
  explicit ByteWriter(Bytes& out) : out_(&out) {}

  template <class T>
  requires std::is_integral_v<T>
  void put(T value) { append(&value, sizeof value); }
  void raw(ByteView bytes) { append(bytes.data(), bytes.size()); }
  /// A 32-bit length, then the bytes.
  void sized(ByteView bytes) {
    put(static_cast<std::uint32_t>(bytes.size()));
    raw(bytes);
  }
  void sized(std::string_view text) { sized(as_bytes(text)); }

  [[nodiscard]] std::size_t size() const noexcept { return out_->size(); }
  /// Overwrites `value` at `at`. REQUIRES: at + sizeof(T) <= size().
  template <class T>
  requires std::is_integral_v<T>
  void put_at(std::size_t at, T value) { std::memcpy(out_->data() + at, &value, sizeof value); }

 private:
  void append(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::byte*>(data);
    out_->insert(out_->end(), first, first + size);
  }

  Bytes* out_;
};

/// Reads what ByteWriter wrote. After the first read beyond the end, ok() is false for good and
/// every read gives zero: check once, at the end.
class ByteReader {
 public:
  explicit ByteReader(ByteView in) : in_(in) {}

  template <class T>
  requires std::is_integral_v<T>
  [[nodiscard]] T get() {
    T value{};
    const ByteView bytes = raw(sizeof value);
    if (bytes.size() == sizeof value) {
      std::memcpy(&value, bytes.data(), sizeof value);
    }
    return value;
  }
  /// A view into the input; empty when it holds fewer than `size` bytes.
  [[nodiscard]] ByteView raw(std::size_t size) {
    if (!ok_ || size > in_.size() - at_) {
      ok_ = false;
      return {};
    }
    const ByteView view = in_.subspan(at_, size);
    at_ += size;
    return view;
  }
  [[nodiscard]] ByteView sized() { return raw(get<std::uint32_t>()); }
  [[nodiscard]] std::string text() { return std::string(as_text(sized())); }

  [[nodiscard]] bool ok() const noexcept { return ok_; }
  [[nodiscard]] std::size_t left() const noexcept { return in_.size() - at_; }
  [[nodiscard]] std::size_t at() const noexcept { return at_; }
  /// True when all was read and nothing is left over.
  [[nodiscard]] bool done() const noexcept { return ok_ && left() == 0; }

 private:
  ByteView in_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

}  // namespace kpay
