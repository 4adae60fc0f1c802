#include "http/daemon_endpoints.h"

#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "http/client.h"
#include "http/limits.h"
#include "http/server.h"

namespace kpay::http {
namespace {

// A daemon with one table, "accounts", of 250 rows a000 … a249; the table "busy" never answers.
class EndpointsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    for (int i = 0; i < 250; ++i) {
      const std::string number = std::to_string(1000 + i).substr(1);
      rows_["a" + number] = JsonText{"{\"balance\":" + std::to_string(i) + "}"};
    }
    DaemonEndpoints endpoints;
    endpoints.healthy = [] { return Verdict{true, ""}; };
    endpoints.ready = [this] { return Verdict{ready_, ready_ ? "" : "restoring 3 of 12"}; };
    endpoints.metrics = [] { return "kpay_x 1\n"; };
    endpoints.status = [] { return R"({"phase":"running"})"; };
    endpoints.tables = [] { return std::vector<std::string>{"accounts", "busy"}; };
    endpoints.table_get = [this](const std::string& table, const std::string& key) {
      return get(table, key);
    };
    endpoints.table_range = [this](const std::string& table, const TableRange& range) {
      return page(table, range);
    };
    Router router;
    add_daemon_endpoints(router, endpoints);
    Result<std::unique_ptr<Server>> server = Server::start({}, std::move(router));
    ASSERT_TRUE(server) << server.error().message;
    server_ = *std::move(server);
  }

  using JsonText = std::string;

  Result<std::optional<JsonText>> get(const std::string& table, const std::string& key) const {
    if (table == "busy") {
      return Unexpected(ErrorCode::unavailable, "The task is busy.");
    }
    if (!key.starts_with('a')) {
      return Unexpected(ErrorCode::invalid, key + " is not an account id.");
    }
    const auto at = rows_.find(key);
    return at == rows_.end() ? std::optional<JsonText>() : std::optional(at->second);
  }
  Result<TablePage> page(const std::string& table, const TableRange& range) const {
    if (table == "busy") {
      return Unexpected(ErrorCode::corrupt, "secret detail");
    }
    TablePage page;
    auto at = rows_.lower_bound(std::max(range.from, range.cursor));
    for (; at != rows_.end() && (range.to.empty() || at->first < range.to); ++at) {
      if (page.rows.size() == range.limit) {
        page.next = at->first;
        break;
      }
      page.rows.push_back({at->first, at->second});
    }
    return page;
  }

  ClientResponse ask(const std::string& path) const {
    const std::string url = "http://127.0.0.1:" + std::to_string(server_->port()) + path;
    return *Client().get(url, std::chrono::seconds(3));
  }
  nlohmann::json json(const std::string& path, int status = 200) const {
    const ClientResponse answer = ask(path);
    EXPECT_EQ(answer.status, status) << path << " " << answer.body;
    return nlohmann::json::parse(answer.body);
  }

  std::map<std::string, JsonText> rows_;
  bool ready_ = false;
  std::unique_ptr<Server> server_;
};

TEST_F(EndpointsTest, HealthAndReadinessAreApart) {
  EXPECT_EQ(json("/healthz"), nlohmann::json::parse(R"({"healthy":true,"reason":""})"));
  EXPECT_EQ(json("/readyz", 503)["reason"], "restoring 3 of 12");
  ready_ = true;
  EXPECT_EQ(json("/readyz")["ready"], true);
}

TEST_F(EndpointsTest, MetricsAndStatusPassThrough) {
  const ClientResponse metrics = ask("/metrics");
  EXPECT_EQ(metrics.body, "kpay_x 1\n");
  EXPECT_EQ(metrics.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(json("/status")["phase"], "running");
}

TEST_F(EndpointsTest, TablesAreListedAndRowsFound) {
  EXPECT_EQ(json("/tables")["tables"], (std::vector<std::string>{"accounts", "busy"}));
  EXPECT_EQ(ask("/tables/accounts/a007").body,
            R"({"table":"accounts","key":"a007","row":{"balance":7}})");
}

TEST_F(EndpointsTest, PagesFollowTheirCursorToTheEnd) {
  std::string cursor;
  std::vector<std::string> keys;
  do {
    const nlohmann::json page =
        json("/tables/accounts?limit=99" + (cursor.empty() ? "" : "&cursor=" + cursor));
    for (const auto& row : page["rows"]) {
      keys.push_back(row["key"]);
    }
    cursor = page["next"].is_null() ? "" : page["next"].get<std::string>();
  } while (!cursor.empty());
  EXPECT_EQ(keys.size(), 250U);
  EXPECT_TRUE(std::is_sorted(keys.begin(), keys.end()));
  EXPECT_EQ(json("/tables/accounts")["rows"].size(), limits::rows_default);
}

TEST_F(EndpointsTest, ARangeHasItsFirstKeyAndNotItsLast) {
  const nlohmann::json page = json("/tables/accounts?from=a010&to=a012");
  ASSERT_EQ(page["rows"].size(), 2U);
  EXPECT_EQ(page["rows"][0]["key"], "a010");
  EXPECT_EQ(page["rows"][1]["row"]["balance"], 11);
  EXPECT_TRUE(page["next"].is_null());
}

TEST_F(EndpointsTest, WhatIsWrongIsNamed) {
  struct Case {
    std::string path;
    int status;
    std::string detail;
  };
  const std::vector<Case> cases{
      {"/tables/nothing", 404, "There is no table nothing here."},
      {"/tables/nothing/a1", 404, "There is no table nothing here."},
      {"/tables/accounts/a999", 404, "The table accounts has no row a999."},
      {"/tables/accounts/zzz", 400, "zzz is not an account id."},
      {"/tables/accounts/" + std::string(513, 'a'), 400, "The key is too long: at most 512 bytes."},
      {"/tables/accounts?limit=0", 400,
       "limit is out of bounds; write a whole number from 1 to 1000."},
      {"/tables/accounts?limit=1001", 400, "limit is out of bounds"},
      {"/tables/accounts?limit=-1", 400, "limit is out of bounds"},
      {"/tables/accounts?limit=5x", 400, "limit is out of bounds"},
      {"/tables/accounts?offset=5", 400, "There is no parameter offset; there are from, to, limit"},
      {"/tables/accounts?from=" + std::string(513, 'a'), 400, "from is too long"},
      {"/tables/busy/a1", 503, "The task is busy."},
      {"/tables/busy", 500, "The table could not be read."},
  };
  for (const Case& one : cases) {
    const std::string detail = json(one.path, one.status)["detail"];
    EXPECT_TRUE(detail.starts_with(one.detail)) << one.path << " → " << detail;
  }
  EXPECT_EQ(json("/tables/nothing", 404)["tables"].size(), 2U);
}

TEST_F(EndpointsTest, ABusyTableSaysWhenToComeBack) {
  bool found = false;
  for (const auto& [name, value] : ask("/tables/busy/a1").headers) {
    found = found || (name == "Retry-After" && value == "1");
  }
  EXPECT_TRUE(found);
}

}  // namespace
}  // namespace kpay::http
