#include "daemons/access/roles.h"

namespace kpay::access {

namespace {

std::optional<Role> parse_role(std::string_view word) {
  for (const Role role : all_roles) {
    if (to_string(role) == word) {
      return role;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Role role) noexcept {
  switch (role) {
    case Role::viewer: return "viewer";
    case Role::operating: return "operator";  // a word of C++
    case Role::reviewer: return "reviewer";
    case Role::approver: return "approver";
    case Role::admin: return "admin";
    case Role::auditor: return "auditor";
  }
  return "";
}

std::string to_string(Roles roles) {
  std::string text;
  for (const Role role : all_roles) {
    if (roles.has(role)) {
      text += (text.empty() ? "" : ",") + std::string(to_string(role));
    }
  }
  return text;
}

std::optional<Roles> parse_roles(std::string_view text) {
  Roles roles;
  while (true) {
    const std::size_t comma = text.find(',');
    const std::optional<Role> role = parse_role(text.substr(0, comma));
    if (!role) {
      return std::nullopt;
    }
    roles = roles | *role;
    if (comma == std::string_view::npos) {
      return roles;
    }
    text.remove_prefix(comma + 1);
  }
}

std::string role_names() {
  std::string names;
  for (const Role role : all_roles) {
    names += (names.empty() ? "" : ", ") + std::string(to_string(role));
  }
  return names;
}

}  // namespace kpay::access
