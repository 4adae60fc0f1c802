// Operations: who may do what: one line for each operation of openapi.json. What has no line is
// nobody's.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "daemons/access/roles.h"

namespace kpay::gateway {

struct Operation {
  std::string_view method;
  std::string_view pattern;  ///< of the route
  std::string_view id;       ///< operationId
  access::Roles roles{};     ///< whoever has one of them; empty: everybody, logged in or not
  bool audited = false;      ///< each call goes to ops.audit
};

[[nodiscard]] const std::vector<Operation>& operations();
/// Null: nobody's.
[[nodiscard]] const Operation* operation_of(std::string_view method, std::string_view pattern);
[[nodiscard]] std::vector<std::string> operation_ids();

}  // namespace kpay::gateway
