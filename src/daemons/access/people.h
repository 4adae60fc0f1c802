// People: who may do what: users with passwords, and tokens of machines.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "daemons/access/roles.h"

namespace kpay::access {

struct User {
  std::string name;
  Roles roles;
  std::string password;  ///< hash_password()
  bool disabled = false;
  std::int64_t changed_at_ms = 0;

  friend bool operator==(const User&, const User&) = default;
};

struct Token {
  std::string name;
  Roles roles;
  std::string digest;  ///< digest_of() the secret
  std::int64_t created_at_ms = 0;
  std::int64_t expires_at_ms = 0;
  std::vector<std::string> only;  ///< operations; empty: all that its roles may

  friend bool operator==(const Token&, const Token&) = default;
};

/// What a token's text begins with, so that a leaked one is recognised.
inline constexpr std::string_view token_prefix = "kpay_";

struct People {
  std::vector<User> users;
  std::vector<Token> tokens;

  [[nodiscard]] const User* user(std::string_view name) const;
  [[nodiscard]] const Token* token(std::string_view name) const;
  [[nodiscard]] const Token* token_of_digest(std::string_view digest) const;

  friend bool operator==(const People&, const People&) = default;
};

/// Letters, digits and "._-", beginning with a letter.
[[nodiscard]] bool is_name(std::string_view text);

/// What became of users and tokens, one sentence each, without their secrets.
[[nodiscard]] std::vector<std::string> differences(const People& before, const People& after);

}  // namespace kpay::access
