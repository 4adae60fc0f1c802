// Named<Tag, Rep>: a value whose meaning is part of its type, so that ids never mix.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <utility>

namespace kpay {

/// A Rep that converts to and from nothing else by itself.
template <class Tag, class Rep>
class Named {
 public:
  using rep = Rep;

  constexpr Named() = default;
  constexpr explicit Named(Rep value) : value_(std::move(value)) {}

  [[nodiscard]] constexpr const Rep& value() const noexcept { return value_; }

  friend constexpr bool operator==(const Named&, const Named&) = default;
  friend constexpr auto operator<=>(const Named&, const Named&) = default;

 private:
  Rep value_{};
};

}  // namespace kpay

template <class Tag, class Rep>
struct std::hash<kpay::Named<Tag, Rep>> {
  std::size_t operator()(const kpay::Named<Tag, Rep>& named) const noexcept {
    return std::hash<Rep>{}(named.value());
  }
};
