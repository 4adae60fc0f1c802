// Secrets: random ones, and how they are kept so that nobody can read them back. By OpenSSL.
#pragma once

#include <string>
#include <string_view>

namespace kpay::access {

/// 256 random bits in 43 characters that fit a cookie and a header.
[[nodiscard]] std::string random_secret();
/// For a person to type once: "k7wq2-…", 100 random bits.
[[nodiscard]] std::string random_password();

/// SHA-256 in hexadecimal: for secrets that are random, which can't be guessed from it.
[[nodiscard]] std::string digest_of(std::string_view secret);

/// scrypt with a salt of its own: "scrypt$32768$8$1$SALT$HASH".
[[nodiscard]] std::string hash_password(std::string_view password);
/// True for what hash_password() writes, within the bounds of limits.h.
[[nodiscard]] bool is_password_hash(std::string_view text);
/// Takes the same time for any password. At most limits::passwords_at_once at a time.
[[nodiscard]] bool is_password(std::string_view password, std::string_view hash);
/// As long as is_password() takes, for a name that nobody has.
void spend_time(std::string_view password);

}  // namespace kpay::access
