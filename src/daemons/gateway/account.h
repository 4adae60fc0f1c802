// Account: an account as the API shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace kpay::gateway {

/// From a row of account's table, its fields as JSON.
[[nodiscard]] std::string account_json(const std::string& id, const std::string& row,
                                       std::optional<std::int64_t> as_of_ms = std::nullopt);

}  // namespace kpay::gateway
