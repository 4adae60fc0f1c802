#include "http/router.h"

#include <algorithm>
#include <optional>

#include "base/check.h"
#include "http/target.h"

namespace kpay::http {
namespace {

bool is_param(std::string_view segment) {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

std::optional<TextMap> fit(const std::vector<std::string>& pattern,
                           const std::vector<std::string>& path) {
  if (pattern.size() != path.size()) {
    return std::nullopt;
  }
  TextMap params;
  for (std::size_t i = 0; i < path.size(); ++i) {
    if (is_param(pattern[i])) {
      params.emplace(pattern[i].substr(1, pattern[i].size() - 2), path[i]);
    } else if (pattern[i] != path[i]) {
      return std::nullopt;
    }
  }
  return params;
}

// True when `a` has a literal where `b` has the first parameter that `a` has not.
bool is_closer(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (is_param(a[i]) != is_param(b[i])) {
      return !is_param(a[i]);
    }
  }
  return false;
}

}  // namespace

void Router::add(std::string method, std::string pattern, Handler handler) {
  check(pattern.starts_with('/') && handler != nullptr, "a route has a path and a handler");
  check(method != "HEAD", "HEAD is answered by GET's handler");
  for (const Route& route : routes_) {
    check(route.method != method || route.pattern != pattern, "each route is added once");
  }
  const std::optional<Target> target = parse_target(pattern);
  check(target.has_value(), "a route's pattern is a path");
  routes_.push_back({std::move(method), std::move(pattern), target->segments, std::move(handler)});
}

Router::Match Router::find(std::string_view method, const std::vector<std::string>& path) const {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match match;
  for (const Route& route : routes_) {
    std::optional<TextMap> params = fit(route.segments, path);
    if (!params) {
      continue;
    }
    match.allowed.push_back(route.method);
    if (route.method == "GET") {
      match.allowed.emplace_back("HEAD");
    }
    const bool better = match.route == nullptr || is_closer(route.segments, match.route->segments);
    if (route.method == wanted && better) {
      match.route = &route;
      match.params = *std::move(params);
    }
  }
  std::sort(match.allowed.begin(), match.allowed.end());
  match.allowed.erase(std::unique(match.allowed.begin(), match.allowed.end()), match.allowed.end());
  return match;
}

}  // namespace kpay::http
