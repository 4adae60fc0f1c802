// Limits of configuration files and of what stands in them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace kpay::config::limits {

inline constexpr std::size_t file_bytes_max = 1U << 20U;
inline constexpr std::size_t secret_bytes_max = 64U << 10U;
inline constexpr std::int64_t text_bytes_max = 256;
inline constexpr std::int64_t path_bytes_max = 4096;
inline constexpr std::int64_t list_items_max = 64;
/// More problems than this in one file are counted, not shown.
inline constexpr std::size_t problems_max = 100;

}  // namespace kpay::config::limits
