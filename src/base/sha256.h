// SHA-256, by OpenSSL: for files that leave this host, where people compare checksums by hand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"

namespace kpay {

using Sha256 = std::array<std::byte, 32>;

/// A file's checksum and its size.
struct FileSum {
  Sha256 sha256{};
  std::uint64_t bytes = 0;
};

/// Reads the file once, to its end. Errors: not_found, io.
[[nodiscard]] Result<FileSum> sum_file(const std::string& path);

}  // namespace kpay
