// Certificates: whether the PEM files that a configuration names can be used, and until when.
#pragma once

#include <string>

#include "base/result.h"
#include "base/time.h"

namespace kpay::daemons {

/// The earliest end of the certificates in the file. Errors: io (can't be read), invalid (no
/// certificate in it; one of them has expired or isn't valid yet at `now`).
[[nodiscard]] Result<Timestamp> certificates_end(const std::string& file, Timestamp now);

/// Errors: io, invalid (no private key in it, or not the one of the file's first certificate).
[[nodiscard]] Result<void> check_private_key(const std::string& key_file,
                                             const std::string& certificate_file);

}  // namespace kpay::daemons
