// Reading small files whole.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"

namespace kpay::config {

/// The whole content of a regular file. Errors: not_found, io, or invalid when it is larger than
/// `bytes_max`.
[[nodiscard]] Result<std::string> read_file(const std::string& path, std::size_t bytes_max);

}  // namespace kpay::config
