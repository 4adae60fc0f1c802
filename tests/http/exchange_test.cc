#include "http/exchange.h"

#include <gtest/gtest.h>

namespace kpay::http {
namespace {

constexpr std::uint64_t kBodyMax = 100;

// The status that a head is refused with; 0 when it is taken.
int status_of(const std::string& head) {
  const auto parsed = parse_head(head, kBodyMax);
  const auto* problem = std::get_if<Problem>(&parsed);
  return problem == nullptr ? 0 : problem->status;
}

TEST(Head, GivesWhatTheRequestSays) {
  const auto parsed = parse_head(
      "POST /a?b=c HTTP/1.1\r\nHost: x\r\nX-Two: 1\r\nx-two: 2\r\nContent-Length: 7\r\n"
      "Expect: 100-Continue\r\n\r\n",
      kBodyMax);
  const Head& head = std::get<Head>(parsed);
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.headers.at("x-two"), "1, 2");
  EXPECT_EQ(head.body_bytes, 7U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_TRUE(head.expects_continue);
}

TEST(Head, WhatIsNotInOrderIsRefused) {
  struct Case {
    std::string head;
    int status;
  };
  const std::string get = "GET / HTTP/1.1\r\n";
  std::string many = get;
  for (int i = 0; i < 200; ++i) {
    many += "A: b\r\n";
  }
  const std::vector<Case> cases{
      {get + "\r\n", 0},
      {"GET / HTTP/1.0\r\n\r\n", 0},
      {"GET / HTTP/2.0\r\n\r\n", 400},
      {"GET\r\n\r\n", 400},
      {"\x16\x03\x01\x02\r\n\r\n", 400},  // a TLS client at a plain port
      {get + "Content-Length: 100\r\n\r\n", 0},
      {get + "Content-Length: 101\r\n\r\n", 413},
      {get + "Content-Length: 99999999999999999999999\r\n\r\n", 413},
      {get + "Content-Length: -1\r\n\r\n", 400},
      {get + "Content-Length: 5x\r\n\r\n", 400},
      {get + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n", 400},
      {get + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 411},
      {get + "Transfer-Encoding: chunked\r\n\r\n", 411},
      {many + "\r\n", 431},
      {get + "Transfer-Encoding : chunked\r\n\r\n", 400},
      {get + "Content Length: 5\r\n\r\n", 400},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(status_of(one.head), one.status) << one.head;
  }
}

TEST(Dispatch, AHandlerThatThrowsTellsTheClientNothing) {
  Router router;
  router.add("GET", "/x", [](const Request&) -> Response { throw std::runtime_error("secret"); });
  router.add("GET", "/y", [](const Request&) -> Response { throw std::bad_alloc(); });
  for (const char* target : {"/x", "/y"}) {
    Head head;
    head.method = "GET";
    head.target = target;
    const Outcome outcome = dispatch(router, head, {});
    EXPECT_EQ(outcome.response.status, 500);
    EXPECT_TRUE(outcome.failed);
    EXPECT_EQ(outcome.route, target);
    EXPECT_EQ(outcome.response.body.find("secret"), std::string::npos);
  }
}

TEST(ResponseHead, AValueCannotStartAHeaderOfItsOwn) {
  Response response = json_response("{}");
  response.headers.emplace_back("X-A", "b\r\nX-Evil: c");
  const std::string head = response_head(response, true);
  EXPECT_EQ(head.find("\r\nX-Evil"), std::string::npos);
  EXPECT_NE(head.find("\r\nContent-Length: 2\r\n"), std::string::npos);
  EXPECT_TRUE(head.ends_with("\r\n\r\n"));
}

}  // namespace
}  // namespace kpay::http
