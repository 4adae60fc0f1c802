#include "daemons/gateway/guard.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/gateway/limits.h"
#include "daemons/gateway/problem.h"
#include "http/json_depth.h"

namespace kpay::gateway {

namespace {

using access::Caller;

constexpr std::string_view kBearer = "Bearer ";
constexpr std::string_view kLogin = "postSession";

// The page's own files, and whether the process lives: the same for everybody.
bool is_for_everybody(const Operation* operation, const http::Router::Route& route) {
  return operation != nullptr ? operation->roles.empty()
                              : route.method == "GET" && !route.pattern.starts_with("/api/");
}

bool is_probe(const http::Router::Route& route) {
  return route.pattern == "/healthz" || route.pattern == "/readyz";
}

http::Response too_many(std::int64_t wait_s) {
  return to_response({.code = Code::too_many_requests,
                      .detail = "More requests came than are allowed.",
                      .expected = "a pause of " + std::to_string(wait_s) + " s",
                      .retry_after_s = wait_s});
}

bool may(const Operation& operation, const Caller& caller) {
  const bool in_scope = caller.only.empty() || std::find(caller.only.begin(), caller.only.end(),
                                                         operation.id) != caller.only.end();
  return caller.roles.meets(operation.roles) && in_scope;
}

// Of a login, whether it succeeded; of the rest, what somebody did or was not allowed to. Strangers
// can't fill the audit: their logins have a rate, and the rest of theirs is counted only.
bool is_worth_noting(const Operation& operation, const std::optional<Caller>& caller, int status) {
  constexpr int kDone = 200;
  constexpr int kUnauthorized = 401;
  return operation.id == kLogin ? status == kDone || status == kUnauthorized : caller.has_value();
}

// What the body gives as its reason, or the name that was tried to log in.
std::string member_of(const http::Request& request, const char* name) {
  if (request.body.size() > limits::body_bytes_max || !http::is_shallow_json(request.body)) {
    return "";
  }
  const nlohmann::json json = nlohmann::json::parse(request.body, nullptr, false);
  if (!json.is_object() || !json.contains(name) || !json[name].is_string()) {
    return "";
  }
  return json[name].get<std::string>().substr(0, limits::reason_bytes_max);
}

}  // namespace

std::string cookie_name(const http::Request& request, bool tls) {
  const std::string_view host = http::Request::get(request.headers, "host");
  const std::size_t colon = host.rfind(':');
  std::string name = tls ? "__Host-kpay" : "kpay";
  if (colon != std::string_view::npos && host.find(']', colon) == std::string_view::npos) {
    name += "-" + std::string(host.substr(colon + 1));
  }
  return name;
}

std::string_view cookie_of(const http::Request& request, std::string_view name) {
  std::string_view all = http::Request::get(request.headers, "cookie");
  while (!all.empty()) {
    const std::size_t end = std::min(all.find(';'), all.size());
    const std::string_view each = all.substr(0, end);
    if (each.starts_with(name) && each.substr(name.size()).starts_with('=')) {
      return each.substr(name.size() + 1);
    }
    all.remove_prefix(std::min(end + 1, all.size()));
    all.remove_prefix(std::min(all.find_first_not_of(' '), all.size()));
  }
  return "";
}

std::string address_of(const http::Request& request) {
  return request.remote.substr(0, request.remote.rfind(':'));
}

std::optional<Caller> Guard::caller_of(const http::Request& request) {
  if (access_.open()) {
    return access_.anyone();
  }
  const std::string_view authorization = http::Request::get(request.headers, "authorization");
  if (authorization.starts_with(kBearer)) {
    return access_.caller_of_token(authorization.substr(kBearer.size()));
  }
  const std::string_view secret = cookie_of(request, cookie_name(request, tls_));
  const bool active =
      request.method != "GET" || http::Request::get(request.headers, "x-kpay-active") == "1";
  return secret.empty() ? std::nullopt : access_.caller_of_session(secret, active);
}

std::optional<http::Response> Guard::refuse(const Operation* operation,
                                            const std::optional<Caller>& caller,
                                            const http::Request& request) {
  if (!caller) {
    http::Response response = to_response(
        {.code = Code::login_required,
         .detail = "Nobody is logged in, or the session or token is over.",
         .expected = "a session (POST /api/v1/session) or an Authorization: Bearer kpay_…"});
    response.headers.emplace_back("WWW-Authenticate", "Bearer realm=\"kpay\"");
    return response;
  }
  if (operation == nullptr || !may(*operation, *caller)) {
    return to_response({.code = Code::not_allowed,
                        .detail = caller->name + " has the roles " + to_string(caller->roles) +
                                  (caller->only.empty() ? "." : ", and may do some of it only."),
                        .expected = operation == nullptr ? "" : to_string(operation->roles)});
  }
  const bool needs_csrf = !caller->csrf.empty() && operation->method != "GET";
  if (needs_csrf && http::Request::get(request.headers, "x-kpay-csrf") != caller->csrf) {
    return to_response({.code = Code::csrf_missing,
                        .detail = "The session's token is missing or another one.",
                        .field = "X-Kpay-Csrf",
                        .expected = "csrf of GET /api/v1/session"});
  }
  return std::nullopt;
}

void Guard::note(const Operation& operation, const std::optional<Caller>& caller,
                 const http::Request& request, int status) {
  Action action;
  action.at_ms = wall_clock_now().ms;
  action.action = operation.id;
  action.who = operation.id == kLogin ? member_of(request, "user") : caller ? caller->name : "";
  action.roles = caller ? to_string(caller->roles) : "";
  action.from = address_of(request);
  action.target = request.path;
  action.reason = operation.id == kLogin ? "" : member_of(request, "reason");
  action.result = result_of(status);
  action.status = status;
  actions_.note(std::move(action));
}

http::Response Guard::call(const http::Router::Route& route, http::Request& request) {
  const Operation* operation = operation_of(route.method, route.pattern);
  const std::optional<Caller> caller = caller_of(request);
  std::int64_t wait_s = 0;
  const std::string asking = caller && !access_.open() ? caller->name : address_of(request);
  if (!is_probe(route) && !access_.may_ask(asking, caller.has_value(), wait_s)) {
    return too_many(wait_s);
  }
  request.principal = caller ? caller->name : "";
  std::optional<http::Response> refused;
  if (!is_for_everybody(operation, route)) {
    refused = refuse(operation, caller, request);
  }
  const bool audited = operation != nullptr && operation->audited;
  if (!refused && audited && !actions_.has_room()) {
    refused = to_response({.code = Code::cluster_unavailable,
                           .detail = "What is done can't be written to ops.audit now, so nothing "
                                     "is done."});
  }
  http::Response response = refused ? *std::move(refused) : route.handler(request);
  if (audited && is_worth_noting(*operation, caller, response.status)) {
    note(*operation, caller, request, response.status);
  }
  return response;
}

}  // namespace kpay::gateway
