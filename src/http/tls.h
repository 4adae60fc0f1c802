// What server and client agree on about TLS, and who a server is.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "base/result.h"

namespace kpay::http {

/// For TLS 1.2; TLS 1.3 has its own list, which is right as it is.
inline constexpr std::string_view tls_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

/// A server's certificate with its chain, and the key: they may be replaced while it serves.
/// Threads: any, but refresh() by one.
class TlsIdentity {
 public:
  /// Errors: invalid, when a file can't be read, or they don't belong together.
  static Result<std::unique_ptr<TlsIdentity>> read(const std::string& certificate_file,
                                                   const std::string& key_file);
  ~TlsIdentity();
  TlsIdentity(const TlsIdentity&) = delete;
  TlsIdentity& operator=(const TlsIdentity&) = delete;

  /// Reads the files again when they have changed; true, when handshakes have them from now on.
  /// Errors: those of read(), told once; then what was there before holds on.
  Result<bool> refresh();

  /// Makes a context of OpenSSL (an SSL_CTX) take it. REQUIRES: it outlives the context's use.
  void use_in(void* context) const;

 private:
  struct Pair;

  TlsIdentity(std::string certificate_file, std::string key_file)
      : certificate_file_(std::move(certificate_file)), key_file_(std::move(key_file)) {}
  [[nodiscard]] Result<std::shared_ptr<const Pair>> load() const;
  [[nodiscard]] std::string stamp() const;
  static int give(void* ssl, void* identity);

  const std::string certificate_file_;
  const std::string key_file_;
  std::string stamp_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Pair> pair_;
};

}  // namespace kpay::http
