// Asks kpay-journal's query side (docs/query.md): which journals there are says `metadata`.
#pragma once

#include <map>
#include <string>

#include "daemons/ctl/http_tables.h"

namespace kpay::ctl {

/// The answer of the newest journal that can say something, whatever its status but 503.
/// Errors: unavailable, when there is none, or none can.
[[nodiscard]] Result<http::ClientResponse> ask_journal(
    const HttpFlags& flags, const std::map<std::string, std::string>& metadata,
    const std::string& path);

/// What a problem's document says is wrong; empty when it is none.
[[nodiscard]] std::string detail_of(const std::string& body);

}  // namespace kpay::ctl
