// Session: log in, log out, who am I and what may I do.
#include "daemons/access/limits.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/form.h"
#include "daemons/gateway/guard.h"
#include "daemons/gateway/limits.h"
#include "http/json.h"

namespace kpay::gateway {

namespace {

using access::Caller;

// What the caller may do, so that the page shows no button that would be refused.
std::string operations_json(const Caller& caller) {
  http::JsonArray list;
  for (const Operation& each : operations()) {
    if (!each.id.empty() && (each.roles.empty() || caller.roles.meets(each.roles))) {
      list.add(each.id);
    }
  }
  return list.finish();
}

std::string session_json(const std::optional<Caller>& caller, bool open) {
  http::JsonObject json;
  json.add("login", !open);
  if (!caller) {
    return json.add_null("user").finish();
  }
  return json.add("user", caller->name)
      .add("roles", to_string(caller->roles))
      .add("csrf", caller->csrf)
      .add_json("operations", operations_json(*caller))
      .finish();
}

std::string cookie(const http::Request& request, bool tls, const std::string& secret) {
  return cookie_name(request, tls) + "=" + secret + "; Path=/; HttpOnly; SameSite=Strict" +
         (tls ? "; Secure" : "") + (secret.empty() ? "; Max-Age=0" : "");
}

http::Response denied(access::Denied why, std::int64_t wait_s) {
  if (why == access::Denied::too_often) {
    return to_response({.code = Code::too_many_requests,
                        .detail = "Too many attempts to log in came from here, or for this name.",
                        .expected = "a pause of " + std::to_string(wait_s) + " s",
                        .retry_after_s = wait_s});
  }
  return to_response({.code = Code::login_wrong,
                      .detail = "There is no such user, he is disabled, or the password is "
                                "another one."});
}

http::Response log_in(const ApiParts& parts, const http::Request& request) {
  Form form(request.body);
  const std::string name = form.text("user", access::limits::name_bytes_max);
  const std::string password = form.text("password", access::limits::password_bytes_max);
  if (const std::optional<Problem> problem = form.problem()) {
    return to_response(*problem);
  }
  access::Denied why = access::Denied::wrong;
  std::int64_t wait_s = 0;
  const std::optional<access::Login> login =
      parts.access->log_in(name, password, address_of(request), why, wait_s);
  if (!login) {
    return denied(why, wait_s);
  }
  // Another session of this browser ends: whoever has its secret has nothing.
  parts.access->log_out(cookie_of(request, cookie_name(request, parts.tls)));
  http::Response response = http::json_response(session_json(login->caller, false));
  response.headers.emplace_back("Set-Cookie", cookie(request, parts.tls, login->secret));
  return response;
}

http::Response log_out(const ApiParts& parts, const http::Request& request) {
  parts.access->log_out(cookie_of(request, cookie_name(request, parts.tls)));
  http::Response response = http::json_response(session_json(std::nullopt, parts.access->open()));
  response.headers.emplace_back("Set-Cookie", cookie(request, parts.tls, ""));
  return response;
}

}  // namespace

void add_session_api(http::Router& router, const ApiParts& parts) {
  router.add("GET", "/api/v1/session", [parts](const http::Request& request) {
    return http::json_response(session_json(parts.guard->caller_of(request), parts.access->open()));
  });
  add_plain_write(router, parts, "/session",
                  [parts](const http::Request& request) { return log_in(parts, request); });
  add_plain_write(router, parts, "/session:end",
                  [parts](const http::Request& request) { return log_out(parts, request); });
}

}  // namespace kpay::gateway
