#include "sim/pen.h"

#include <openssl/evp.h>

#include "base/check.h"

namespace kpay::sim {

Pen::Pen(std::uint8_t person) {
  std::array<unsigned char, 32> bytes{};
  bytes.fill(person);
  EVP_PKEY* pair =
      EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, bytes.data(), bytes.size());
  check(pair != nullptr, "any 32 bytes are a private key");
  private_ =
      std::shared_ptr<void>(pair, [](void* each) { EVP_PKEY_free(static_cast<EVP_PKEY*>(each)); });
  std::size_t size = key_.bytes.size();
  check(EVP_PKEY_get_raw_public_key(pair, reinterpret_cast<unsigned char*>(key_.bytes.data()),
                                    &size) == 1,
        "a private key has a public one");
}

Signature Pen::sign(ByteView message) const {
  Signature signature{};
  std::size_t size = signature.size();
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  check(EVP_DigestSignInit(context, nullptr, nullptr, nullptr,
                           static_cast<EVP_PKEY*>(private_.get())) == 1 &&
            EVP_DigestSign(context, reinterpret_cast<unsigned char*>(signature.data()), &size,
                           reinterpret_cast<const unsigned char*>(message.data()),
                           message.size()) == 1,
        "a private key signs");
  EVP_MD_CTX_free(context);
  return signature;
}

}  // namespace kpay::sim
