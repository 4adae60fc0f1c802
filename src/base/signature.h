// Ed25519 signatures (RFC 8032), by OpenSSL. Verifying depends on its arguments alone (R2).
#pragma once

#include <array>
#include <cstddef>
#include <cstring>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace kpay {

struct PublicKey {
  std::array<std::byte, 32> bytes{};
  friend bool operator==(const PublicKey&, const PublicKey&) = default;
};
using Signature = std::array<std::byte, 64>;

[[nodiscard]] bool is_signed_by(const PublicKey& key, ByteView message,
                                const Signature& signature) noexcept;

/// 64 hexadecimal digits.
[[nodiscard]] std::string to_string(const PublicKey& key);
/// Nothing, when the text is not that or the bytes are no point of the curve.
[[nodiscard]] std::optional<PublicKey> parse_public_key(std::string_view text);

/// A private key, of a person or a machine. Never printed; wiped when it goes.
class SigningKey {
 public:
  [[nodiscard]] static SigningKey generate();
  /// From a PEM file (PKCS #8); a passphrase is asked for on the terminal. Errors: not_found, io,
  /// invalid (not an Ed25519 key; readable by others).
  static Result<SigningKey> read(const std::string& path);
  /// As a new PEM file that only its owner can read. Errors: conflict (there is one), io.
  Result<void> write(const std::string& path) const;

  [[nodiscard]] PublicKey public_key() const;
  [[nodiscard]] Signature sign(ByteView message) const;

 private:
  struct Free {
    void operator()(void* key) const noexcept;
  };
  explicit SigningKey(void* key) : key_(key) {}

  std::unique_ptr<void, Free> key_;
};

}  // namespace kpay

template <>
struct std::hash<kpay::PublicKey> {
  std::size_t operator()(const kpay::PublicKey& key) const noexcept {
    std::size_t first = 0;  // as good as random
    std::memcpy(&first, key.bytes.data(), sizeof first);
    return first;
  }
};
