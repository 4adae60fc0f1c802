// Roles: what a person or a machine may be, in a set of them.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace kpay::access {

enum class Role : std::uint8_t { viewer, operating, reviewer, approver, admin, auditor };

inline constexpr std::array<Role, 6> all_roles{Role::viewer,   Role::operating, Role::reviewer,
                                               Role::approver, Role::admin,     Role::auditor};

[[nodiscard]] std::string_view to_string(Role role) noexcept;

/// A set of roles; empty, it may do nothing.
class Roles {
 public:
  constexpr Roles() = default;
  constexpr Roles(Role role) : bits_(bit(role)) {}  // NOLINT: one role is a set of one

  [[nodiscard]] constexpr bool has(Role role) const noexcept { return (bits_ & bit(role)) != 0; }
  [[nodiscard]] constexpr bool meets(Roles other) const noexcept {
    return (bits_ & other.bits_) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return bits_ == 0; }

  friend constexpr Roles operator|(Roles a, Roles b) noexcept {
    Roles both;
    both.bits_ = static_cast<std::uint8_t>(a.bits_ | b.bits_);
    return both;
  }
  friend bool operator==(const Roles&, const Roles&) = default;

 private:
  static constexpr std::uint8_t bit(Role role) noexcept {
    return static_cast<std::uint8_t>(1U << static_cast<unsigned>(role));
  }

  std::uint8_t bits_ = 0;
};

[[nodiscard]] constexpr Roles operator|(Role a, Role b) noexcept { return Roles(a) | Roles(b); }

/// "operator,approver".
[[nodiscard]] std::string to_string(Roles roles);
/// Nothing, when a word is no role, or there is none.
[[nodiscard]] std::optional<Roles> parse_roles(std::string_view text);
/// "viewer, operator, …", for a person.
[[nodiscard]] std::string role_names();

}  // namespace kpay::access
