// Guard: stands before every route: who asks, how often, whether he may, and that it is audited.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "daemons/access/access.h"
#include "daemons/gateway/actions.h"
#include "daemons/gateway/operations.h"
#include "http/router.h"

namespace kpay::gateway {

/// The cookie that has a session's secret. Ports share cookies, so its name has the port.
[[nodiscard]] std::string cookie_name(const http::Request& request, bool tls);
/// The cookie of that name; empty without.
[[nodiscard]] std::string_view cookie_of(const http::Request& request, std::string_view name);
/// The peer's address without its port.
[[nodiscard]] std::string address_of(const http::Request& request);

/// Threads: any; what it is given outlives it.
class Guard {
 public:
  Guard(access::Access& access, ActionLog& actions, bool tls)
      : access_(access), actions_(actions), tls_(tls) {}

  [[nodiscard]] http::Response call(const http::Router::Route& route, http::Request& request);

  /// By session or token; "anyone" when nobody logs in. Nothing: nobody is named.
  [[nodiscard]] std::optional<access::Caller> caller_of(const http::Request& request);

 private:
  [[nodiscard]] std::optional<http::Response> refuse(const Operation* operation,
                                                     const std::optional<access::Caller>& caller,
                                                     const http::Request& request);
  void note(const Operation& operation, const std::optional<access::Caller>& caller,
            const http::Request& request, int status);

  access::Access& access_;
  ActionLog& actions_;
  const bool tls_;
};

}  // namespace kpay::gateway
