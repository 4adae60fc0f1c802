// Amounts, ids and dates as operators type and read them.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/uuid.h"
#include "core/ids.h"
#include "core/money.h"

namespace kpay::ctl {

/// Errors: invalid, with what would be right.
[[nodiscard]] Result<core::Money> amount_in(const std::string& amount, const std::string& currency);
/// A new version 7 id for an empty text.
[[nodiscard]] Result<Uuid> id_in(const std::string& text);
/// "2026-11-22"; empty is none.
[[nodiscard]] Result<core::ValueDate> date_in(const std::string& text);

/// Minor units of any size, as decimal digits, to "12.34".
[[nodiscard]] std::string amount_text(const std::string& minor, const std::string& currency);

}  // namespace kpay::ctl
