// IdSeries: version 7 ids of one run that carry their own number, so that an answer finds its
// payment without a table.
//
// Of the 74 random bits, 42 are drawn once per series and 32 are the number. Ids of two series
// are equal by chance only if both were drawn alike and begin in the same millisecond.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>

#include "base/uuid.h"

namespace kpay::load {

/// Threads: any, it never changes.
class IdSeries {
 public:
  IdSeries() : model_(new_uuid_v7()) {}

  [[nodiscard]] Uuid make(std::uint32_t number, Timestamp created) const noexcept {
    std::array<std::uint8_t, 10> tail{};
    std::memcpy(tail.data(), model_.bytes.data() + 6, 6);
    for (std::size_t i = 0; i < 4; ++i) {
      tail[6 + i] = static_cast<std::uint8_t>(number >> (8 * (3 - i)));
    }
    return make_uuid_v7(created, tail);
  }

  /// The number of an id of this series; nothing for any other.
  [[nodiscard]] std::optional<std::uint32_t> number_of(const Uuid& id) const noexcept {
    if (std::memcmp(id.bytes.data() + 6, model_.bytes.data() + 6, 6) != 0) {
      return std::nullopt;
    }
    std::uint32_t number = 0;
    for (std::size_t i = 12; i < 16; ++i) {
      number = (number << 8U) | id.bytes[i];
    }
    return number;
  }

 private:
  Uuid model_;
};

}  // namespace kpay::load
