#include "daemons/service/certificates.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <memory>
#include <optional>

namespace kpay::daemons {

namespace {

template <auto Free>
struct Deleter {
  template <class T>
  void operator()(T* handle) const {
    Free(handle);
  }
};
using Bio = std::unique_ptr<BIO, Deleter<BIO_free_all>>;
using Certificate = std::unique_ptr<X509, Deleter<X509_free>>;
using Key = std::unique_ptr<EVP_PKEY, Deleter<EVP_PKEY_free>>;

Result<Bio> open(const std::string& file) {
  errno = 0;
  Bio bio(BIO_new_file(file.c_str(), "r"));
  if (!bio) {
    const int error = errno;
    ERR_clear_error();
    return Unexpected(ErrorCode::io, file + ": " + std::strerror(error));
  }
  return bio;
}

Certificate next_certificate(BIO* bio) {
  Certificate certificate(PEM_read_bio_X509(bio, nullptr, nullptr, nullptr));
  ERR_clear_error();
  return certificate;
}

Timestamp time_of(const ASN1_TIME* time) {
  std::tm parts{};
  ASN1_TIME_to_tm(time, &parts);
  return {static_cast<std::int64_t>(timegm(&parts)) * 1000};
}

}  // namespace

Result<Timestamp> certificates_end(const std::string& file, Timestamp now) {
  Result<Bio> bio = open(file);
  if (!bio) {
    return Unexpected(bio.error());
  }
  std::optional<Timestamp> end;
  for (Certificate each = next_certificate(bio->get()); each; each = next_certificate(bio->get())) {
    const Timestamp from = time_of(X509_get0_notBefore(each.get()));
    const Timestamp to = time_of(X509_get0_notAfter(each.get()));
    if (now.ms < from.ms || now.ms >= to.ms) {
      return Unexpected(ErrorCode::invalid,
                        file +
                            (now.ms < from.ms ? ": a certificate is valid only from "
                                              : ": a certificate expired at ") +
                            to_rfc3339(now.ms < from.ms ? from : to) + "; renew it");
    }
    end = end && end->ms < to.ms ? end : to;
  }
  if (!end) {
    return Unexpected(ErrorCode::invalid, file + ": holds no certificate; PEM is right");
  }
  return *end;
}

Result<void> check_private_key(const std::string& key_file, const std::string& certificate_file) {
  Result<Bio> key_bio = open(key_file);
  if (!key_bio) {
    return Unexpected(key_bio.error());
  }
  const Key key(PEM_read_bio_PrivateKey(key_bio->get(), nullptr, nullptr, nullptr));
  ERR_clear_error();
  if (!key) {
    return Unexpected(ErrorCode::invalid,
                      key_file + ": holds no private key without a passphrase; PEM is right");
  }
  Result<Bio> certificate_bio = open(certificate_file);
  if (!certificate_bio) {
    return Unexpected(certificate_bio.error());
  }
  const Certificate certificate = next_certificate(certificate_bio->get());
  if (!certificate || X509_check_private_key(certificate.get(), key.get()) != 1) {
    ERR_clear_error();
    return Unexpected(ErrorCode::invalid, key_file + ": is not the key of " + certificate_file);
  }
  return {};
}

}  // namespace kpay::daemons
