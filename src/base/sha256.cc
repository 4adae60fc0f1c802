#include "base/sha256.h"

#include <openssl/evp.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#include "base/check.h"

namespace kpay {

namespace {

constexpr std::size_t kPiece = 1U << 20U;

}  // namespace

Result<FileSum> sum_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"),
                                                             std::fclose);
  if (!file) {
    return Unexpected(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                      path + ": " + std::strerror(errno));
  }
  const std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> digest(EVP_MD_CTX_new(),
                                                                  EVP_MD_CTX_free);
  check(EVP_DigestInit_ex(digest.get(), EVP_sha256(), nullptr) == 1, "OpenSSL has SHA-256");
  std::vector<std::byte> piece(kPiece);
  FileSum sum;
  for (std::size_t got = 0; (got = std::fread(piece.data(), 1, kPiece, file.get())) > 0;) {
    EVP_DigestUpdate(digest.get(), piece.data(), got);
    sum.bytes += got;
  }
  if (std::ferror(file.get()) != 0) {
    return Unexpected(ErrorCode::io, path + ": cannot be read: " + std::strerror(errno));
  }
  EVP_DigestFinal_ex(digest.get(), reinterpret_cast<unsigned char*>(sum.sha256.data()), nullptr);
  return sum;
}

}  // namespace kpay
