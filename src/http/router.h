// Router: finds the handler of a method and a path.
//
// A value that is built before the server starts and then only read, by any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "http/message.h"

namespace kpay::http {

class Router {
 public:
  struct Route {
    std::string method;
    std::string pattern;
    std::vector<std::string> segments;  ///< "{name}" takes any one segment
    Handler handler;
  };
  struct Match {
    const Route* route = nullptr;  ///< null: none
    TextMap params;
    std::vector<std::string> allowed;  ///< without a route: the methods that the path has
  };
  /// Stands before every handler: answers by itself, or calls route.handler with the request, of
  /// which it may set the principal.
  using Guard = std::function<Response(const Route& route, Request& request)>;

  /// Pattern: "/tables/{table}/{key}". REQUIRES: a new pair of method and pattern.
  void add(std::string method, std::string pattern, Handler handler);

  /// Of several patterns that fit, the one with a literal segment at the first difference wins.
  /// HEAD finds what GET finds.
  [[nodiscard]] Match find(std::string_view method, const std::vector<std::string>& path) const;

  /// Without one every request gets to its handler.
  void set_guard(Guard guard) { guard_ = std::move(guard); }
  /// By the guard, when there is one. REQUIRES: a match with a route.
  [[nodiscard]] Response call(const Route& route, Request& request) const {
    return guard_ ? guard_(route, request) : route.handler(request);
  }

 private:
  std::vector<Route> routes_;
  Guard guard_;
};

}  // namespace kpay::http
