// Target: what a request line points at, "/tables/a%2Fb?limit=5", taken apart.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace kpay::http {

struct Target {
  std::string path;                   ///< as sent
  std::vector<std::string> segments;  ///< of the path, decoded; an encoded slash stays within one
  TextMap query;                      ///< decoded
};

/// Nothing when it does not begin with a slash, has a broken %-escape or a byte 0, or names a
/// query parameter twice. Empty segments are dropped, so "/a//b/" is "/a/b".
[[nodiscard]] std::optional<Target> parse_target(std::string_view raw);

/// Nothing when an escape is broken or stands for byte 0.
[[nodiscard]] std::optional<std::string> percent_decode(std::string_view text, bool plus_is_space);
/// Escapes all but the unreserved characters of RFC 3986.
[[nodiscard]] std::string percent_encode(std::string_view text);

}  // namespace kpay::http
