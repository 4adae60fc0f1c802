#include "http/router.h"

#include <gtest/gtest.h>

namespace kpay::http {
namespace {

Router sample() {
  const Handler handler = [](const Request&) { return Response{}; };
  Router router;
  router.add("GET", "/", handler);
  router.add("GET", "/payments/{id}", handler);
  router.add("GET", "/payments/stuck", handler);
  router.add("POST", "/payments/{id}", handler);
  router.add("POST", "/payments/{id}/cancel", handler);
  return router;
}

std::string pattern(const Router::Match& match) {
  return match.route == nullptr ? "(none)" : match.route->pattern;
}

TEST(Router, FindsByMethodAndPath) {
  const Router router = sample();
  EXPECT_EQ(pattern(router.find("GET", {})), "/");
  const Router::Match match = router.find("POST", {"payments", "p/1"});
  EXPECT_EQ(pattern(match), "/payments/{id}");
  EXPECT_EQ(match.params, (TextMap{{"id", "p/1"}}));
  EXPECT_EQ(pattern(router.find("HEAD", {"payments", "p1"})), "/payments/{id}");
}

TEST(Router, ALiteralIsCloserThanAParameter) {
  EXPECT_EQ(pattern(sample().find("GET", {"payments", "stuck"})), "/payments/stuck");
  EXPECT_EQ(pattern(sample().find("POST", {"payments", "stuck"})), "/payments/{id}");
}

TEST(Router, SaysWhichMethodsAPathHas) {
  EXPECT_TRUE(sample().find("GET", {"nothing"}).allowed.empty());
  const Router::Match match = sample().find("DELETE", {"payments", "p1"});
  EXPECT_EQ(match.route, nullptr);
  EXPECT_EQ(match.allowed, (std::vector<std::string>{"GET", "HEAD", "POST"}));
}

TEST(Router, TheGuardStandsBeforeEachHandlerAndMaySayWhoAsks) {
  Router router;
  router.add("GET", "/who", [](const Request& request) {
    return text_response("you are " + request.principal, "text/plain");
  });
  Request request;
  EXPECT_EQ(router.call(*router.find("GET", {"who"}).route, request).body, "you are ");
  router.set_guard([](const Router::Route& route, Request& asked) {
    if (asked.headers.empty()) {
      return problem_response({.status = 401});
    }
    asked.principal = "ann";
    return route.handler(asked);
  });
  EXPECT_EQ(router.call(*router.find("GET", {"who"}).route, request).status, 401);
  request.headers = {{"cookie", "x"}};
  EXPECT_EQ(router.call(*router.find("GET", {"who"}).route, request).body, "you are ann");
}

TEST(RouterDeathTest, ARouteIsAddedOnce) {
  Router router = sample();
  EXPECT_DEATH(router.add("GET", "/", [](const Request&) { return Response{}; }), "added once");
}

}  // namespace
}  // namespace kpay::http
