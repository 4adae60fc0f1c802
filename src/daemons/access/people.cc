#include "daemons/access/people.h"

#include <algorithm>

#include "daemons/access/limits.h"

namespace kpay::access {

namespace {

template <class T>
const T* by_name(const std::vector<T>& all, std::string_view name) {
  const auto found =
      std::find_if(all.begin(), all.end(), [&](const T& each) { return each.name == name; });
  return found == all.end() ? nullptr : &*found;
}

void compare(const User& before, const User& after, std::vector<std::string>& changes) {
  const std::string who = "user " + after.name;
  if (before.roles != after.roles) {
    changes.push_back(who + " is " + to_string(after.roles) + ", was " + to_string(before.roles));
  }
  if (before.disabled != after.disabled) {
    changes.push_back(who + (after.disabled ? " is disabled" : " is enabled"));
  }
  if (before.password != after.password) {
    changes.push_back(who + " has a new password");
  }
}

}  // namespace

const User* People::user(std::string_view name) const { return by_name(users, name); }
const Token* People::token(std::string_view name) const { return by_name(tokens, name); }

const Token* People::token_of_digest(std::string_view digest) const {
  const auto found = std::find_if(tokens.begin(), tokens.end(),
                                  [&](const Token& each) { return each.digest == digest; });
  return found == tokens.end() ? nullptr : &*found;
}

bool is_name(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !text.empty() && text.size() <= limits::name_bytes_max && is_letter(text.front()) &&
         std::all_of(text.begin(), text.end(), [&](char c) {
           return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
         });
}

std::vector<std::string> differences(const People& before, const People& after) {
  std::vector<std::string> changes;
  for (const User& user : after.users) {
    const User* old = before.user(user.name);
    if (old == nullptr) {
      changes.push_back("user " + user.name + " was added as " + to_string(user.roles));
    } else {
      compare(*old, user, changes);
    }
  }
  for (const User& user : before.users) {
    if (after.user(user.name) == nullptr) {
      changes.push_back("user " + user.name + " was removed");
    }
  }
  for (const Token& token : after.tokens) {
    const Token* old = before.token(token.name);
    if (old == nullptr || *old != token) {
      changes.push_back("token " + token.name + " was made as " + to_string(token.roles));
    }
  }
  for (const Token& token : before.tokens) {
    if (after.token(token.name) == nullptr) {
      changes.push_back("token " + token.name + " was revoked");
    }
  }
  return changes;
}

}  // namespace kpay::access
