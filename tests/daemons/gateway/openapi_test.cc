#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "daemons/gateway/api.h"
#include "daemons/gateway/page.h"

namespace kpay::gateway {
namespace {

using Json = nlohmann::json;

Json document() { return Json::parse(openapi_asset().plain); }

TEST(OpenApi, EveryOperationThatIsDescribedHasARoute) {
  ApiParts parts;
  parts.broadcaster = std::make_shared<http::Broadcaster>();
  http::Router router;
  add_payments_api(router, parts);
  add_batch_api(router, parts);
  add_accounts_api(router, parts);
  add_history_api(router, parts);
  add_pipeline_api(router, parts);
  add_load_api(router, parts);
  add_session_api(router, parts);
  add_letters_api(router, parts);
  add_requests_api(router, parts);
  add_system_api(router, parts);
  const Json described = document();
  std::size_t operations = 0;
  for (const auto& [path, verbs] : described["paths"].items()) {
    std::vector<std::string> segments{"api", "v1"};
    for (std::size_t at = 1; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      segments.push_back(path.substr(at, end - at));
      at = end + 1;
    }
    for (const auto& [verb, operation] : verbs.items()) {
      const std::string method = verb == "get" ? "GET" : "POST";
      const http::Router::Match match = router.find(method, segments);
      ASSERT_NE(match.route, nullptr) << method << " " << path;
      EXPECT_EQ(match.route->pattern, "/api/v1" + path);
      ++operations;
    }
  }
  EXPECT_GE(operations, 20U);
}

void collect(const Json& json, std::set<std::string>& references) {
  if (json.is_object() && json.contains("$ref")) {
    references.insert(json["$ref"].get<std::string>());
  }
  if (json.is_structured()) {
    for (const Json& each : json) {
      collect(each, references);
    }
  }
}

TEST(OpenApi, WhatItRefersToIsThere) {
  const Json json = document();
  EXPECT_EQ(json["openapi"], "3.1.0");
  std::set<std::string> references;
  collect(json, references);
  EXPECT_GT(references.size(), 20U);
  for (const std::string& reference : references) {
    EXPECT_TRUE(json.contains(Json::json_pointer(reference.substr(1)))) << reference;
  }
}

// Money is never a floating point number: in no schema has an amount the type "number".
TEST(OpenApi, NoAmountIsANumberWithAPoint) {
  for (const auto& [name, schema] : document()["components"]["schemas"].items()) {
    const Json properties = schema.value("properties", Json::object());
    for (const auto& [member, type] : properties.items()) {
      if (member.find("amount") != std::string::npos || member.find("balance") == 0 ||
          member.find("minor") != std::string::npos || member == "value") {
        EXPECT_NE(type.value("type", Json("")), Json("number")) << name << "." << member;
      }
    }
  }
}

}  // namespace
}  // namespace kpay::gateway
