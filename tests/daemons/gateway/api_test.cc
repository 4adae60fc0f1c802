#include "daemons/gateway/api.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "daemons/gateway/page.h"

namespace kpay::gateway {
namespace {

TEST(Api, OnlyNamesOfThisMachineAreItsHost) {
  for (const char* right : {"127.0.0.1:8080", "localhost:8080", "localhost", "[::1]:80", "[::1]"}) {
    EXPECT_TRUE(is_loopback_host(right)) << right;
  }
  for (const char* wrong : {"", "bank.example", "127.0.0.1.evil.example:8080", "localhost.evil:1",
                            "evil@127.0.0.1:80x", "[::2]:80"}) {
    EXPECT_FALSE(is_loopback_host(wrong)) << wrong;
  }
}

class RoutesTest : public ::testing::Test {
 protected:
  RoutesTest() {
    ApiParts parts;
    parts.live = [] { return std::shared_ptr<Live>(); };
    add_load_api(router_, parts);
    add_page(router_);
  }
  http::Response ask(const std::string& method, const std::vector<std::string>& path,
                     http::TextMap headers, const std::string& body = "") {
    const http::Router::Match match = router_.find(method, path);
    http::Request request;
    request.method = method;
    request.headers = std::move(headers);
    request.body = body;
    return match.route->handler(request);
  }
  static std::string code_of(const http::Response& response) {
    return nlohmann::json::parse(response.body).value("code", "");
  }
  http::Router router_;
  const std::vector<std::string> stop_{"api", "v1", "load:stop"};
};

TEST_F(RoutesTest, WritesFromElsewhereAreRefusedBeforeAnythingIsDone) {
  const std::pair<http::TextMap, const char*> cases[] = {
      {{{"host", "bank.example"}, {"content-type", "application/json"}}, "origin_refused"},
      {{{"host", "127.0.0.1:1"},
        {"origin", "http://evil.example"},
        {"content-type", "application/json"}},
       "origin_refused"},
      {{{"host", "127.0.0.1:1"}, {"origin", "null"}, {"content-type", "application/json"}},
       "origin_refused"},
      {{{"host", "127.0.0.1:1"}, {"content-type", "text/plain"}}, "media_type_unsupported"},
      {{{"host", "127.0.0.1:1"}}, "media_type_unsupported"},
      {{{"host", "127.0.0.1:1"},
        {"origin", "http://127.0.0.1:1"},
        {"content-type", "application/json; charset=utf-8"}},
       "cluster_unavailable"},
  };
  for (const auto& [headers, code] : cases) {
    EXPECT_EQ(code_of(ask("POST", stop_, headers, "{}")), code);
  }
  const http::TextMap right{{"host", "localhost"}, {"content-type", "application/json"}};
  EXPECT_EQ(code_of(ask("POST", stop_, right, std::string(1U << 20U, ' '))), "body_too_large");
  EXPECT_EQ(code_of(ask("GET", {"api", "v1", "load"}, {{"host", "evil.example"}})),
            "origin_refused");
}

TEST_F(RoutesTest, UntilTheClusterIsReachedTheAnswerSaysSoAndWhenToComeAgain) {
  const http::Response response = ask("GET", {"api", "v1", "load"}, {{"host", "localhost"}});
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.headers.front().first, "Retry-After");
}

TEST_F(RoutesTest, ThePageIsCompressedTaggedAndMayTalkToItsOriginOnly) {
  const http::Response plain = ask("GET", {}, {});
  const http::Response packed = ask("GET", {}, {{"accept-encoding", "br, gzip"}});
  EXPECT_NE(plain.body.find("<!doctype html>"), std::string::npos);
  EXPECT_LT(packed.body.size(), plain.body.size());
  const http::TextMap headers(packed.headers.begin(), packed.headers.end());
  EXPECT_EQ(headers.at("Content-Encoding"), "gzip");
  EXPECT_EQ(headers.at("Content-Security-Policy").find("default-src 'none'"), 0U);
  EXPECT_EQ(headers.at("Content-Security-Policy").find("unsafe"), std::string::npos);
  const http::Response again =
      ask("GET", {}, {{"accept-encoding", "gzip"}, {"if-none-match", headers.at("ETag")}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  const http::TextMap other(plain.headers.begin(), plain.headers.end());
  EXPECT_NE(other.at("ETag"), headers.at("ETag"));
}

TEST(Problem, TheListIsClosedAndInOrder) {
  std::set<std::string_view> words;
  for (std::size_t i = 0; i < all_codes().size(); ++i) {
    EXPECT_EQ(static_cast<std::size_t>(all_codes()[i].code), i);
    EXPECT_TRUE(words.insert(all_codes()[i].word).second);
  }
}

TEST(Problem, SaysWhatIsWrongWhereAndWhatWouldBeRight) {
  const http::Response response = to_response({.code = Code::partition_unavailable,
                                               .detail = "gone",
                                               .field = "id",
                                               .expected = "x",
                                               .missing = {"account/3"}});
  const auto json = nlohmann::json::parse(response.body);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(json["type"], "/api/v1/problems/partition_unavailable");
  EXPECT_EQ(json["detail"], "gone");
  EXPECT_EQ(json["field"], "id");
  EXPECT_EQ(json["expected"], "x");
  EXPECT_EQ(json["missing_partitions"][0], "account/3");
}

}  // namespace
}  // namespace kpay::gateway
