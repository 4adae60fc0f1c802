// Limits of who may log in, how often, and for how long.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::access::limits {

// Of passwords: scrypt (RFC 7914) with these costs takes 32 MiB and some 0.1 s.
inline constexpr std::uint64_t scrypt_n = 1U << 15U;
inline constexpr std::uint64_t scrypt_r = 8;
inline constexpr std::uint64_t scrypt_p = 1;
/// What a file may ask for: more would let a file eat the machine.
inline constexpr std::uint64_t scrypt_n_max = 1U << 18U;
inline constexpr std::uint64_t scrypt_r_max = 16;
inline constexpr std::uint64_t scrypt_p_max = 4;
inline constexpr std::uint64_t scrypt_memory_max = 1U << 30U;
inline constexpr int passwords_at_once = 2;  ///< checked; further ones wait
inline constexpr std::size_t password_bytes_min = 12;
inline constexpr std::size_t password_bytes_max = 256;

// Of the file.
inline constexpr std::size_t name_bytes_max = 48;
inline constexpr std::size_t users_max = 1'000;
inline constexpr std::size_t tokens_max = 1'000;
inline constexpr std::size_t file_bytes_max = 4U << 20U;
inline constexpr int token_days_default = 90;
inline constexpr int token_days_max = 730;

// Of sessions.
inline constexpr std::size_t sessions_max = 10'000;  ///< the one unused for longest goes first
inline constexpr std::size_t sessions_per_user_max = 20;

// Of attempts to log in, for an address (a whole office may have one) and for a name.
inline constexpr double address_logins_per_second = 1;
inline constexpr double address_logins_at_once = 60;
inline constexpr double name_logins_per_second = 10.0 / 60.0;
inline constexpr double name_logins_at_once = 10;
/// Of requests that nobody is named by, for an address.
inline constexpr double strangers_per_second = 50;
inline constexpr double strangers_at_once = 400;
inline constexpr std::size_t rated_max = 10'000;  ///< callers that are remembered

}  // namespace kpay::access::limits
