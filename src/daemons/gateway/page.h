// Page: the files that are built into the binary, and how they are served: compressed where the
// client takes it, with an ETag, and with a policy that lets the page talk to its own origin only.
#pragma once

#include <string>
#include <string_view>

#include "http/router.h"

namespace kpay::gateway {

struct Asset {
  std::string_view path;  ///< "/app.js"
  std::string_view content_type;
  std::string_view plain;
  std::string_view gzip;
  bool trusted_types = true;  ///< Swagger UI can't live with them
};

/// 200, or 304 when the client has it already.
[[nodiscard]] http::Response serve_asset(const http::Request& request, const Asset& asset);
[[nodiscard]] const Asset& openapi_asset();

/// "/" and "/docs", and what they load.
void add_page(http::Router& router);

}  // namespace kpay::gateway
