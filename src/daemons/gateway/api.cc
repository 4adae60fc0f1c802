#include "daemons/gateway/api.h"

#include <charconv>

#include "daemons/gateway/limits.h"

namespace kpay::gateway {

namespace {

std::optional<Problem> wrong_host(const ApiParts& parts, const http::Request& request) {
  const std::string_view host = http::Request::get(request.headers, "host");
  if (!parts.loopback || is_loopback_host(host)) {
    return std::nullopt;
  }
  return Problem{.code = Code::origin_refused,
                 .detail = "The request names the host \"" + std::string(host) + "\".",
                 .field = "Host",
                 .expected = "127.0.0.1, localhost or [::1], with the port"};
}

std::optional<Problem> wrong_write(const ApiParts& parts, const http::Request& request,
                                   const WriteRules& rules) {
  const std::string_view origin = http::Request::get(request.headers, "origin");
  const std::string own = (parts.tls ? "https://" : "http://") +
                          std::string(http::Request::get(request.headers, "host"));
  if (!origin.empty() && origin != own) {
    return Problem{.code = Code::origin_refused,
                   .detail = "The request comes from a page of " + std::string(origin) + ".",
                   .field = "Origin",
                   .expected = own};
  }
  std::string_view type = http::Request::get(request.headers, "content-type");
  type = type.substr(0, type.find(';'));
  if (type != rules.media_type) {
    return Problem{.code = Code::media_type_unsupported,
                   .detail = "The body's media type is \"" + std::string(type) + "\".",
                   .field = "Content-Type",
                   .expected = rules.media_type};
  }
  const std::size_t bytes_max =
      rules.body_bytes_max == 0 ? limits::body_bytes_max : rules.body_bytes_max;
  if (request.body.size() > bytes_max) {
    return Problem{.code = Code::body_too_large,
                   .detail = "The body has " + std::to_string(request.body.size()) + " bytes.",
                   .expected = "at most " + std::to_string(bytes_max) + " bytes"};
  }
  return std::nullopt;
}

http::Response not_reached() {
  return to_response({.code = Code::cluster_unavailable,
                      .detail = "The gateway has not reached the cluster yet; /readyz says why."});
}

}  // namespace

bool is_loopback_host(std::string_view host) {
  const std::size_t port = host.rfind(':');
  const bool has_port = port != std::string_view::npos && host.find(']', port) == host.npos;
  const std::string_view name = host.substr(0, has_port ? port : host.size());
  return name == "127.0.0.1" || name == "localhost" || name == "[::1]";
}

std::string owner_of(const http::Request& request) {
  const std::string who = request.principal.empty() ? "gateway" : request.principal;
  return who + ", from " + request.remote.substr(0, request.remote.rfind(':'));
}

void add_read(http::Router& router, const ApiParts& parts, const std::string& path,
              LiveHandler handler) {
  router.add("GET", "/api/v1" + path,
             [parts, handler = std::move(handler)](const http::Request& request) {
               if (const std::optional<Problem> problem = wrong_host(parts, request)) {
                 return to_response(*problem);
               }
               const std::shared_ptr<Live> now = parts.live();
               return now == nullptr ? not_reached() : handler(*now, request);
             });
}

namespace {

void add_checked(http::Router& router, const ApiParts& parts, const std::string& path,
                 http::Handler handler, const WriteRules& rules) {
  router.add("POST", "/api/v1" + path,
             [parts, handler = std::move(handler), rules](const http::Request& request) {
               std::optional<Problem> problem = wrong_host(parts, request);
               problem = problem ? problem : wrong_write(parts, request, rules);
               return problem ? to_response(*problem) : handler(request);
             });
}

}  // namespace

void add_plain_write(http::Router& router, const ApiParts& parts, const std::string& path,
                     http::Handler handler) {
  add_checked(router, parts, path, std::move(handler), {});
}

void add_write(http::Router& router, const ApiParts& parts, const std::string& path,
               LiveHandler handler, const WriteRules& rules) {
  const auto with_cluster = [live = parts.live,
                             handler = std::move(handler)](const http::Request& request) {
    const std::shared_ptr<Live> now = live();
    return now == nullptr ? not_reached() : handler(*now, request);
  };
  add_checked(router, parts, path, with_cluster, rules);
}

namespace {

std::optional<std::int64_t> whole_number(std::string_view text, std::int64_t min,
                                         std::int64_t max) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  return whole && value >= min && value <= max ? std::optional(value) : std::nullopt;
}

std::int64_t parameter(const http::Request& request, std::string_view name, std::int64_t otherwise,
                       std::int64_t min, std::int64_t max, std::optional<Problem>& problem) {
  const std::string_view text = http::Request::get(request.query, name);
  if (text.empty()) {
    return otherwise;
  }
  const std::optional<std::int64_t> value = whole_number(text, min, max);
  if (!value) {
    problem = Problem{
        .code = Code::parameter_invalid,
        .detail = std::string(name) + " is out of bounds.",
        .field = std::string(name),
        .expected = "a whole number from " + std::to_string(min) + " to " + std::to_string(max)};
  }
  return value.value_or(otherwise);
}

}  // namespace

std::int64_t wait_seconds(const http::Request& request, std::optional<Problem>& problem) {
  return parameter(request, "wait", 0, 0, limits::wait_seconds_max, problem);
}

std::size_t page_limit(const http::Request& request, std::optional<Problem>& problem) {
  return static_cast<std::size_t>(
      parameter(request, "limit", limits::page_rows_default, 1, limits::page_rows_max, problem));
}

}  // namespace kpay::gateway
