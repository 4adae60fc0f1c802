#include "base/signature.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/check.h"

namespace kpay {

namespace {

struct FreeKey {
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
};
struct FreeContext {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};
struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};
using Key = std::unique_ptr<EVP_PKEY, FreeKey>;
using Context = std::unique_ptr<EVP_MD_CTX, FreeContext>;
using File = std::unique_ptr<std::FILE, CloseFile>;

const unsigned char* raw(const std::byte* bytes) noexcept {
  return reinterpret_cast<const unsigned char*>(bytes);
}
unsigned char* raw(std::byte* bytes) noexcept { return reinterpret_cast<unsigned char*>(bytes); }

Key public_part(const PublicKey& key) noexcept {
  return Key(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, raw(key.bytes.data()),
                                         key.bytes.size()));
}

EVP_PKEY* as_key(void* key) noexcept { return static_cast<EVP_PKEY*>(key); }

Unexpected failure(const std::string& path, const char* doing) {
  return Unexpected(errno == ENOENT ? ErrorCode::not_found : ErrorCode::io,
                    path + ": " + doing + ": " + std::strerror(errno));
}

}  // namespace

bool is_signed_by(const PublicKey& key, ByteView message, const Signature& signature) noexcept {
  const Key point = public_part(key);
  const Context context(EVP_MD_CTX_new());
  return point != nullptr && context != nullptr &&
         EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, point.get()) == 1 &&
         EVP_DigestVerify(context.get(), raw(signature.data()), signature.size(),
                          raw(message.data()), message.size()) == 1;
}

std::string to_string(const PublicKey& key) { return to_hex(key.bytes); }

std::optional<PublicKey> parse_public_key(std::string_view text) {
  const std::optional<Bytes> bytes = from_hex(text);
  PublicKey key;
  if (!bytes || bytes->size() != key.bytes.size()) {
    return std::nullopt;
  }
  std::copy(bytes->begin(), bytes->end(), key.bytes.begin());
  return public_part(key) != nullptr ? std::optional(key) : std::nullopt;
}

void SigningKey::Free::operator()(void* key) const noexcept { EVP_PKEY_free(as_key(key)); }

SigningKey SigningKey::generate() {
  EVP_PKEY* key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  check(key != nullptr, "a key can be made");
  return SigningKey(key);
}

Result<SigningKey> SigningKey::read(const std::string& path) {
  const File file(std::fopen(path.c_str(), "re"));
  if (file == nullptr) {
    return failure(path, "reading the key");
  }
  struct stat about {};
  if (fstat(fileno(file.get()), &about) != 0) {
    return failure(path, "reading the key");
  }
  if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return Unexpected(ErrorCode::invalid,
                      path + ": a private key that others can read; chmod 600 it");
  }
  Key key(PEM_read_PrivateKey(file.get(), nullptr, nullptr, nullptr));
  if (key == nullptr || EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519) {
    return Unexpected(ErrorCode::invalid, path + ": no Ed25519 private key in PEM form");
  }
  return SigningKey(key.release());
}

Result<void> SigningKey::write(const std::string& path) const {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (descriptor < 0) {
    return errno == EEXIST ? Unexpected(ErrorCode::conflict, path + ": there is such a file")
                           : failure(path, "writing the key");
  }
  const File file(::fdopen(descriptor, "w"));
  const bool written = file != nullptr &&
                       PEM_write_PrivateKey(file.get(), as_key(key_.get()), nullptr, nullptr, 0,
                                            nullptr, nullptr) == 1 &&
                       std::fflush(file.get()) == 0 && ::fsync(descriptor) == 0;
  return written ? Result<void>() : failure(path, "writing the key");
}

PublicKey SigningKey::public_key() const {
  PublicKey key;
  std::size_t size = key.bytes.size();
  check(EVP_PKEY_get_raw_public_key(as_key(key_.get()), raw(key.bytes.data()), &size) == 1 &&
            size == key.bytes.size(),
        "a private key has a public one");
  return key;
}

Signature SigningKey::sign(ByteView message) const {
  Signature signature{};
  std::size_t size = signature.size();
  const Context context(EVP_MD_CTX_new());
  check(context != nullptr &&
            EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, as_key(key_.get())) == 1 &&
            EVP_DigestSign(context.get(), raw(signature.data()), &size, raw(message.data()),
                           message.size()) == 1 &&
            size == signature.size(),
        "a private key signs");
  return signature;
}

}  // namespace kpay
