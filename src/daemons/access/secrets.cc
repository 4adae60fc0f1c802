#include "daemons/access/secrets.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <array>
#include <charconv>
#include <optional>
#include <semaphore>

#include "base/bytes.h"
#include "base/check.h"
#include "daemons/access/limits.h"

namespace kpay::access {

namespace {

constexpr std::size_t kSaltBytes = 16;
constexpr std::size_t kHashBytes = 32;

template <std::size_t N>
std::array<unsigned char, N> random_bytes() {
  std::array<unsigned char, N> bytes{};
  check(RAND_bytes(bytes.data(), static_cast<int>(N)) == 1, "the system gives random bytes");
  return bytes;
}

ByteView view(const unsigned char* bytes, std::size_t size) {
  return {reinterpret_cast<const std::byte*>(bytes), size};
}

struct Scrypt {
  std::uint64_t n = limits::scrypt_n;
  std::uint64_t r = limits::scrypt_r;
  std::uint64_t p = limits::scrypt_p;
  Bytes salt;
  Bytes hash;
};

bool read_number(std::string_view& text, std::uint64_t max, std::uint64_t& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop == end || *stop != '$' || number == 0 || number > max) {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(stop - text.data()) + 1);
  return true;
}

std::optional<Scrypt> parse(std::string_view text) {
  constexpr std::string_view kBegin = "scrypt$";
  if (!text.starts_with(kBegin)) {
    return std::nullopt;
  }
  text.remove_prefix(kBegin.size());
  Scrypt scrypt;
  if (!read_number(text, limits::scrypt_n_max, scrypt.n) || (scrypt.n & (scrypt.n - 1)) != 0 ||
      scrypt.n < 2 || !read_number(text, limits::scrypt_r_max, scrypt.r) ||
      !read_number(text, limits::scrypt_p_max, scrypt.p)) {
    return std::nullopt;
  }
  const std::size_t dollar = text.find('$');
  if (dollar == std::string_view::npos) {
    return std::nullopt;
  }
  std::optional<Bytes> salt = from_hex(text.substr(0, dollar));
  std::optional<Bytes> hash = from_hex(text.substr(dollar + 1));
  if (!salt || !hash || salt->size() != kSaltBytes || hash->size() != kHashBytes) {
    return std::nullopt;
  }
  scrypt.salt = *std::move(salt);
  scrypt.hash = *std::move(hash);
  return scrypt;
}

Bytes derive(std::string_view password, const Scrypt& with) {
  static std::counting_semaphore<limits::passwords_at_once> places(limits::passwords_at_once);
  places.acquire();
  Bytes hash(kHashBytes);
  const int done = EVP_PBE_scrypt(
      password.data(), password.size(), reinterpret_cast<const unsigned char*>(with.salt.data()),
      with.salt.size(), with.n, with.r, with.p, limits::scrypt_memory_max,
      reinterpret_cast<unsigned char*>(hash.data()), hash.size());
  places.release();
  check(done == 1, "scrypt with costs in bounds");
  return hash;
}

}  // namespace

std::string random_secret() {
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const auto bytes = random_bytes<43>();
  std::string text;
  for (const unsigned char byte : bytes) {
    text += kLetters[byte & 63U];
  }
  return text;
}

std::string random_password() {
  constexpr std::string_view kLetters = "abcdefghijkmnpqrstuvwxyz23456789";  // 32 that differ
  constexpr std::size_t kGroup = 5;
  const auto bytes = random_bytes<20>();
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text += i > 0 && i % kGroup == 0 ? "-" : "";
    text += kLetters[bytes[i] & 31U];
  }
  return text;
}

std::string digest_of(std::string_view secret) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
  unsigned int size = 0;
  check(EVP_Digest(secret.data(), secret.size(), bytes.data(), &size, EVP_sha256(), nullptr) == 1,
        "SHA-256 is there");
  return to_hex(view(bytes.data(), size));
}

std::string hash_password(std::string_view password) {
  const auto salt = random_bytes<kSaltBytes>();
  Scrypt scrypt;
  scrypt.salt = to_bytes(view(salt.data(), salt.size()));
  return "scrypt$" + std::to_string(scrypt.n) + "$" + std::to_string(scrypt.r) + "$" +
         std::to_string(scrypt.p) + "$" + to_hex(scrypt.salt) + "$" +
         to_hex(derive(password, scrypt));
}

bool is_password_hash(std::string_view text) { return parse(text).has_value(); }

bool is_password(std::string_view password, std::string_view hash) {
  const std::optional<Scrypt> scrypt = parse(hash);
  if (!scrypt) {
    return false;
  }
  const Bytes derived = derive(password, *scrypt);
  return CRYPTO_memcmp(derived.data(), scrypt->hash.data(), kHashBytes) == 0;
}

void spend_time(std::string_view password) {
  Scrypt scrypt;
  scrypt.salt.resize(kSaltBytes);
  (void)derive(password, scrypt);
}

}  // namespace kpay::access
