#include "daemons/gateway/guard.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "base/time.h"
#include "daemons/access/people_file.h"
#include "daemons/access/secrets.h"
#include "daemons/gateway/api.h"
#include "daemons/gateway/page.h"

namespace kpay::gateway {
namespace {

using access::Role;
using Json = nlohmann::json;

// The whole API without a cluster: what gets past the guard says so, with 503 or an answer.
class GuardTest : public ::testing::Test {
 protected:
  GuardTest() : folder_(::testing::TempDir() + "kpay_guard_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
    access::People people;
    const std::int64_t now_ms = wall_clock_now().ms;
    for (const Role role : access::all_roles) {
      const std::string name(to_string(role));
      people.tokens.push_back(
          {name, role, access::digest_of(name), now_ms, now_ms + 1'000'000, {}});
    }
    people.tokens.push_back({"scoped",
                             Role::admin,
                             access::digest_of("scoped"),
                             now_ms,
                             now_ms + 1'000'000,
                             {"getBooks"}});
    people.users.push_back({"ann", Role::operating, access::hash_password(kPassword), false, 0});
    EXPECT_TRUE(access::write_people(folder_ + "/users", people));
    start(false);
  }
  ~GuardTest() override { std::filesystem::remove_all(folder_); }

  void start(bool open, double requests_per_second = 1'000'000) {
    access::AccessOptions options;
    options.open = open;
    options.users_file = folder_ + "/users";
    options.session_idle_max = std::chrono::minutes(1);
    options.session_age_max = std::chrono::minutes(5);
    options.requests_per_second = requests_per_second;
    access_ = access::Access::start(options).value();
    actions_ = std::make_unique<ActionLog>("gateway-1", telemetry_);
    guard_ = std::make_unique<Guard>(*access_, *actions_, false);
    ApiParts parts;
    parts.live = [] { return std::shared_ptr<Live>(); };
    parts.broadcaster = std::make_shared<http::Broadcaster>();
    parts.access = access_.get();
    parts.guard = guard_.get();
    router_ = http::Router();
    router_.set_guard([this](const http::Router::Route& route, http::Request& request) {
      return guard_->call(route, request);
    });
    add_payments_api(router_, parts);
    add_batch_api(router_, parts);
    add_accounts_api(router_, parts);
    add_history_api(router_, parts);
    add_pipeline_api(router_, parts);
    add_load_api(router_, parts);
    add_session_api(router_, parts);
    add_letters_api(router_, parts);
    add_requests_api(router_, parts);
    add_system_api(router_, parts);
    add_page(router_);
    router_.add("GET", "/metrics", [](const http::Request&) { return http::Response{}; });
    router_.add("GET", "/api/v1/forgotten", [](const http::Request&) { return http::Response{}; });
  }

  http::Response ask(const std::string& method, std::string path, http::TextMap headers,
                     const std::string& body = "{}") {
    http::Request request;
    request.method = method;
    request.path = path;
    request.remote = "10.0.0.1:5000";
    request.headers = std::move(headers);
    request.headers.emplace("host", "localhost:8080");
    request.headers.emplace("content-type", "application/json");
    request.body = body;
    std::vector<std::string> segments;
    while (!path.empty()) {
      const std::size_t end = std::min(path.find('/', 1), path.size());
      if (end > 1) {
        segments.push_back(path.substr(1, end - 1));
      }
      path.erase(0, end);
    }
    const http::Router::Match match = router_.find(method, segments);
    EXPECT_NE(match.route, nullptr) << method << " " << request.path;
    request.params = match.params;
    return router_.call(*match.route, request);
  }
  static std::string code_of(const http::Response& response) {
    const Json json = Json::parse(response.body, nullptr, false);
    return json.is_object() ? json.value("code", "") : "";
  }
  static bool is_admitted(const http::Response& response) {
    const std::string code = code_of(response);
    return code != "login_required" && code != "not_allowed";
  }
  static http::TextMap bearer(const std::string& name) {
    return {{"authorization", "Bearer kpay_" + name}};
  }

  /// The cookie and the csrf token of a new session.
  std::pair<std::string, std::string> log_in() {
    const http::Response response = ask("POST", "/api/v1/session", {}, login(kPassword));
    EXPECT_EQ(response.status, 200) << response.body;
    const http::TextMap headers(response.headers.begin(), response.headers.end());
    const std::string cookie = headers.at("Set-Cookie");
    return {cookie.substr(0, cookie.find(';')), Json::parse(response.body).value("csrf", "")};
  }
  static std::string login(const std::string& password) {
    return Json{{"user", "ann"}, {"password", password}}.dump();
  }

  static constexpr const char* kPassword = "a long password";
  std::string folder_;
  telemetry::Telemetry telemetry_{{.write = [](std::string_view) {}}};
  std::unique_ptr<access::Access> access_;
  std::unique_ptr<ActionLog> actions_;
  std::unique_ptr<Guard> guard_;
  http::Router router_;
};

// Every operation of openapi.json for every role and for nobody, against the one table.
TEST_F(GuardTest, EveryRoleMayDoWhatTheTableSaysAndNothingElse) {
  std::size_t checked = 0;
  for (const Operation& operation : operations()) {
    const std::string method(operation.method);
    const std::string path(operation.pattern);
    const bool open = operation.roles.empty();
    EXPECT_EQ(is_admitted(ask(method, path, {})), open || operation.id == "postSession")
        << "nobody: " << operation.id;
    for (const Role role : access::all_roles) {
      const http::Response response = ask(method, path, bearer(std::string(to_string(role))));
      EXPECT_EQ(is_admitted(response), open || operation.roles.has(role))
          << to_string(role) << ": " << method << " " << path << ": " << response.status;
      ++checked;
    }
  }
  EXPECT_EQ(checked, operations().size() * access::all_roles.size());
}

TEST_F(GuardTest, TheTableHasExactlyTheOperationsOfTheDescription) {
  const Json paths = Json::parse(openapi_asset().plain)["paths"];
  std::map<std::string, std::pair<std::string, std::string>> described;
  for (const auto& [path, verbs] : paths.items()) {
    for (const auto& [verb, operation] : verbs.items()) {
      described[operation.value("operationId", "")] = {verb == "get" ? "GET" : "POST",
                                                       "/api/v1" + path};
    }
  }
  for (const Operation& operation : operations()) {
    if (!operation.id.empty()) {
      const auto found = described.find(std::string(operation.id));
      ASSERT_NE(found, described.end()) << operation.id << " is not in openapi.json";
      EXPECT_EQ(found->second.first, operation.method);
      EXPECT_EQ(found->second.second, operation.pattern);
      described.erase(found);
    }
  }
  for (const auto& [id, where] : described) {
    ADD_FAILURE() << id << " (" << where.first << " " << where.second
                  << ") has no line in operations.cc, so nobody may do it";
  }
}

TEST_F(GuardTest, WhatHasNoLineIsNobodys) {
  EXPECT_EQ(code_of(ask("GET", "/api/v1/forgotten", bearer("admin"))), "not_allowed");
  EXPECT_EQ(code_of(ask("GET", "/api/v1/forgotten", {})), "login_required");
  EXPECT_EQ(ask("GET", "/metrics", {}).status, 401);
  EXPECT_EQ(ask("GET", "/metrics", bearer("viewer")).status, 200);
  EXPECT_EQ(ask("GET", "/app.js", {}).status, 200) << "the page's own files are everybody's";
}

TEST_F(GuardTest, ATokenDoesWhatItWasMadeForOnly) {
  EXPECT_TRUE(is_admitted(ask("GET", "/api/v1/books", bearer("scoped"))));
  EXPECT_EQ(code_of(ask("GET", "/api/v1/pipeline", bearer("scoped"))), "not_allowed");
  EXPECT_EQ(code_of(ask("POST", "/api/v1/pipeline:drain", bearer("scoped"))), "not_allowed");
}

TEST_F(GuardTest, AWriteOfASessionNeedsItsTokenBesidesTheCookie) {
  const auto [cookie, csrf] = log_in();
  EXPECT_TRUE(is_admitted(ask("GET", "/api/v1/books", {{"cookie", cookie}})));
  EXPECT_EQ(code_of(ask("POST", "/api/v1/load:stop", {{"cookie", cookie}})), "csrf_missing");
  EXPECT_EQ(
      code_of(ask("POST", "/api/v1/load:stop", {{"cookie", cookie}, {"x-kpay-csrf", "another"}})),
      "csrf_missing");
  EXPECT_EQ(code_of(ask("POST", "/api/v1/load:stop", {{"cookie", cookie}, {"x-kpay-csrf", csrf}})),
            "cluster_unavailable");
}

TEST_F(GuardTest, TheCookieIsOutOfReachOfScriptsAndOtherSites) {
  const http::Response response = ask("POST", "/api/v1/session", {}, login(kPassword));
  const http::TextMap headers(response.headers.begin(), response.headers.end());
  const std::string cookie = headers.at("Set-Cookie");
  EXPECT_EQ(cookie.find("kpay-8080="), 0U);
  for (const char* word : {"; HttpOnly", "; SameSite=Strict", "; Path=/"}) {
    EXPECT_NE(cookie.find(word), std::string::npos) << word;
  }
  http::Request request;
  request.headers = {{"host", "bank.example:443"}};
  EXPECT_EQ(cookie_name(request, true), "__Host-kpay-443");
}

TEST_F(GuardTest, ALogoutEndsTheSessionAndALoginTheOneBefore) {
  const auto [first, first_csrf] = log_in();
  const http::Response again =
      ask("POST", "/api/v1/session", {{"cookie", first}}, login(kPassword));
  EXPECT_EQ(again.status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/books", {{"cookie", first}}).status, 401);
  const auto [cookie, csrf] = log_in();
  EXPECT_EQ(ask("POST", "/api/v1/session:end", {{"cookie", cookie}, {"x-kpay-csrf", csrf}}).status,
            200);
  EXPECT_EQ(ask("GET", "/api/v1/books", {{"cookie", cookie}}).status, 401);
}

TEST_F(GuardTest, AWrongPasswordAndAWrongNameAreTheSameAnswer) {
  const http::Response wrong = ask("POST", "/api/v1/session", {}, login("another password"));
  EXPECT_EQ(code_of(wrong), "login_wrong");
  const http::Response nobody =
      ask("POST", "/api/v1/session", {}, R"({"user": "eve", "password": "another password"})");
  EXPECT_EQ(nobody.body, wrong.body);
  EXPECT_EQ(
      ask("POST", "/api/v1/session", {{"origin", "http://evil.example"}}, login(kPassword)).status,
      403);
}

TEST_F(GuardTest, TooManyRequestsOfOneCallerGet429AndATimeToComeAgain) {
  start(false, 5);
  http::Response response;
  for (int i = 0; i < 6; ++i) {
    response = ask("GET", "/api/v1/books", bearer("viewer"));
  }
  EXPECT_EQ(code_of(response), "too_many_requests");
  const http::TextMap headers(response.headers.begin(), response.headers.end());
  EXPECT_EQ(headers.at("Retry-After"), "1");
  EXPECT_NE(ask("GET", "/api/v1/books", bearer("auditor")).status, 429);
}

TEST_F(GuardTest, WithoutLoginEverybodyMayDoEverythingAndTheSessionSaysSo) {
  start(true);
  EXPECT_TRUE(is_admitted(ask("POST", "/api/v1/pipeline:drain", {})));
  const Json session = Json::parse(ask("GET", "/api/v1/session", {}).body);
  EXPECT_EQ(session["login"], false);
  EXPECT_EQ(session["user"], "anyone");
  start(false);
  EXPECT_TRUE(Json::parse(ask("GET", "/api/v1/session", {}).body)["user"].is_null());
}

TEST_F(GuardTest, WithoutRoomForTheAuditNothingThatIsAuditedIsDone) {
  for (int i = 0; actions_->has_room(); ++i) {
    ASSERT_LT(i, 100'000);
    actions_->note({.action = "postLoadStop"});
  }
  const http::Response response = ask("POST", "/api/v1/load:stop", bearer("operator"));
  EXPECT_EQ(code_of(response), "cluster_unavailable");
  EXPECT_NE(response.body.find("ops.audit"), std::string::npos);
}

TEST(Actions, SayWhoDidWhatFromWhereWhyAndHowItEnded) {
  const Action action{
      1, "postPipelineDrain", "ann", "operator", "10.0.0.1", "/api/v1/x", "why", "done", 200};
  const std::optional<TakenAction> taken = parse_action(to_json(action, "gateway-1"));
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->who, "ann");
  EXPECT_EQ(taken->action, "postPipelineDrain");
  const Json json = Json::parse(taken->json);
  EXPECT_EQ(json["gateway"], "gateway-1");
  EXPECT_EQ(json["reason"], "why");
  EXPECT_FALSE(parse_action(R"({"state": "conserved", "at_ms": 1, "as_of_ms": 1})"));
  EXPECT_FALSE(parse_action("[1]"));
  EXPECT_EQ(result_of(202), "done");
  EXPECT_EQ(result_of(429), "denied");
  EXPECT_EQ(result_of(422), "refused");
  EXPECT_EQ(result_of(503), "failed");
}

}  // namespace
}  // namespace kpay::gateway
