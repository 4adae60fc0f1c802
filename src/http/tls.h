// What server and client agree on about TLS.
#pragma once

#include <string_view>

namespace kpay::http {

/// For TLS 1.2; TLS 1.3 has its own list, which is right as it is.
inline constexpr std::string_view tls_ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20";

}  // namespace kpay::http
