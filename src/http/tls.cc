#include "http/tls.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <sys/stat.h>

#include <cstdio>

namespace kpay::http {

namespace {

struct Free {
  void operator()(X509* certificate) const noexcept { X509_free(certificate); }
  void operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
  void operator()(STACK_OF(X509) * chain) const noexcept { sk_X509_pop_free(chain, X509_free); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

std::string stamp_of(const std::string& file) {
  struct stat is {};
  if (::stat(file.c_str(), &is) != 0) {
    return "gone";
  }
  return std::to_string(is.st_ino) + "/" + std::to_string(is.st_size) + "/" +
         std::to_string(is.st_mtim.tv_sec) + "." + std::to_string(is.st_mtim.tv_nsec);
}

Unexpected wrong(const std::string& file, const std::string& what) {
  ERR_clear_error();
  return Unexpected(ErrorCode::invalid, file + ": " + what);
}

// No passphrase is asked for: nobody sits at a server.
int no_passphrase(char*, int, int, void*) { return 0; }

}  // namespace

struct TlsIdentity::Pair {
  Owned<X509> certificate;
  Owned<STACK_OF(X509)> chain;
  Owned<EVP_PKEY> key;
};

TlsIdentity::~TlsIdentity() = default;

std::string TlsIdentity::stamp() const { return stamp_of(certificate_file_) + stamp_of(key_file_); }

Result<std::shared_ptr<const TlsIdentity::Pair>> TlsIdentity::load() const {
  auto pair = std::make_shared<Pair>();
  const Owned<std::FILE> certificates(std::fopen(certificate_file_.c_str(), "re"));
  const Owned<std::FILE> key(std::fopen(key_file_.c_str(), "re"));
  if (certificates == nullptr || key == nullptr) {
    return wrong(certificates == nullptr ? certificate_file_ : key_file_, "can't be read");
  }
  pair->certificate.reset(PEM_read_X509(certificates.get(), nullptr, no_passphrase, nullptr));
  if (pair->certificate == nullptr) {
    return wrong(certificate_file_, "has no certificate in PEM");
  }
  pair->chain.reset(sk_X509_new_null());
  while (X509* next = PEM_read_X509(certificates.get(), nullptr, no_passphrase, nullptr)) {
    sk_X509_push(pair->chain.get(), next);
  }
  ERR_clear_error();  // that of the file's end
  pair->key.reset(PEM_read_PrivateKey(key.get(), nullptr, no_passphrase, nullptr));
  if (pair->key == nullptr) {
    return wrong(key_file_, "has no private key in PEM, or one with a passphrase");
  }
  if (X509_check_private_key(pair->certificate.get(), pair->key.get()) != 1) {
    return wrong(key_file_, "is not the key of the certificate in " + certificate_file_);
  }
  return std::shared_ptr<const Pair>(std::move(pair));
}

Result<std::unique_ptr<TlsIdentity>> TlsIdentity::read(const std::string& certificate_file,
                                                       const std::string& key_file) {
  std::unique_ptr<TlsIdentity> identity(new TlsIdentity(certificate_file, key_file));
  identity->stamp_ = identity->stamp();
  Result<std::shared_ptr<const Pair>> pair = identity->load();
  if (!pair) {
    return Unexpected(pair.error());
  }
  identity->pair_ = *std::move(pair);
  return identity;
}

Result<bool> TlsIdentity::refresh() {
  const std::string now = stamp();
  if (now == stamp_) {
    return false;
  }
  Result<std::shared_ptr<const Pair>> pair = load();
  stamp_ = now;
  if (!pair) {
    return Unexpected(pair.error());
  }
  const std::lock_guard lock(mutex_);
  pair_ = *std::move(pair);
  return true;
}

// OpenSSL asks at each handshake, on the connection's own thread.
int TlsIdentity::give(void* ssl, void* identity) {
  const auto* self = static_cast<const TlsIdentity*>(identity);
  std::shared_ptr<const Pair> pair;
  {
    const std::lock_guard lock(self->mutex_);
    pair = self->pair_;
  }
  return SSL_use_cert_and_key(static_cast<SSL*>(ssl), pair->certificate.get(), pair->key.get(),
                              pair->chain.get(), 1);
}

void TlsIdentity::use_in(void* context) const {
  SSL_CTX_set_cert_cb(
      static_cast<SSL_CTX*>(context), [](SSL* ssl, void* identity) { return give(ssl, identity); },
      const_cast<TlsIdentity*>(this));
}

}  // namespace kpay::http
