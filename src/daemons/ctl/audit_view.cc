#include "daemons/ctl/audit_view.h"

#include <nlohmann/json.hpp>

namespace kpay::ctl {

std::optional<AuditStatement> parse_statement(std::string_view json) {
  const nlohmann::json parsed = nlohmann::json::parse(json, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("state") || !parsed["state"].is_string() ||
      !parsed.contains("at_ms") || !parsed["at_ms"].is_number_integer() ||
      !parsed.contains("as_of_ms") || !parsed["as_of_ms"].is_number_integer()) {
    return std::nullopt;
  }
  return AuditStatement{std::string(json), parsed["state"].get<std::string>(),
                        parsed["at_ms"].get<std::int64_t>(),
                        parsed["as_of_ms"].get<std::int64_t>()};
}

}  // namespace kpay::ctl
