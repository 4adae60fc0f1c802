#include "http/message.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "http/json.h"
#include "http/json_depth.h"

namespace kpay::http {
namespace {

TEST(Json, IsWrittenInTheOrderOfItsMembers) {
  JsonArray list;
  list.add("x\"y").add_json("[1]");
  JsonObject json;
  json.add("text", "a\n").add("n", -5).add("big", ~std::uint64_t{0}).add("ok", true);
  json.add_null("none").add_json("list", list.finish());
  EXPECT_EQ(json.finish(), R"({"text":"a\n","n":-5,"big":18446744073709551615,"ok":true,)"
                           R"("none":null,"list":["x\"y",[1]]})");
  EXPECT_EQ(JsonObject().finish(), "{}");
  EXPECT_EQ(JsonArray().finish(), "[]");
}

TEST(Json, ADocumentIsShallowWhateverItsTextsHold) {
  const auto nested = [](int depth) {
    const auto size = static_cast<std::size_t>(depth);
    return std::string(size, '[') + std::string(size, ']');
  };
  EXPECT_TRUE(is_shallow_json(nested(kJsonDepthMax)));
  EXPECT_FALSE(is_shallow_json(nested(kJsonDepthMax + 1)));
  EXPECT_FALSE(is_shallow_json(R"({"a\\":)" + nested(100'000) + "}"));
  EXPECT_TRUE(is_shallow_json("\"" + nested(1000) + "\""));
  EXPECT_TRUE(is_shallow_json(R"("\")" + nested(1000) + "\""));
  EXPECT_TRUE(is_shallow_json("\"\\"));
}

TEST(Problem, IsADocumentOfRfc9457) {
  const Response response = problem_response(
      {.status = 404, .detail = "No \xff here.", .lists = {{"tables", {"a", "b"}}}});
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  const auto json = nlohmann::json::parse(response.body);
  EXPECT_EQ(json["type"], "about:blank");
  EXPECT_EQ(json["title"], "Not Found");
  EXPECT_EQ(json["status"], 404);
  EXPECT_EQ(json["detail"], "No \uFFFD here.");
  EXPECT_EQ(json["tables"].size(), 2U);
}

}  // namespace
}  // namespace kpay::http
