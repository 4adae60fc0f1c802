#include "daemons/service/admin.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "daemons/service/exit_codes.h"
#include "http/client.h"
#include "http/server.h"

namespace kpay::daemons {
namespace {

// The commands behind a real socket; what they do is written down.
class AdminTest : public ::testing::Test {
 protected:
  void SetUp() override {
    AdminParts parts;
    parts.telemetry = &telemetry_;
    parts.status = [] {
      InstanceStatus status;
      status.instance = "account-1";
      status.phase = "running";
      return status;
    };
    parts.drain = [this](std::optional<std::int64_t> deadline_ms) -> Result<DrainReport> {
      deadlines_.push_back(deadline_ms.value_or(-1));
      if (busy_) {
        return Unexpected(ErrorCode::conflict, "another drain is under way");
      }
      return DrainReport{clean_, 12, {{"account", 3, 95, 8, {}, clean_}}};
    };
    parts.resume = [this]() -> Result<void> {
      ++resumed_;
      return {};
    };
    parts.acknowledge_time = []() -> Result<std::size_t> {
      return Unexpected(ErrorCode::conflict, "no task waits");
    };
    parts.re_emit = [this](const std::string& stage, std::int32_t partition,
                           std::int64_t from) -> Result<stream::Snapshot> {
      asked_again_.push_back(stage + "/" + std::to_string(partition) + " " + std::to_string(from));
      stream::Snapshot snapshot;
      snapshot.folder = "/kept/account-3-7";
      snapshot.manifest.stage = stage;
      snapshot.manifest.marker.registers.position = 90;
      return snapshot;
    };
    http::Router router;
    add_admin_commands(router, parts);
    server_ = start(std::move(router)).value();
  }
  void TearDown() override { server_.reset(); }

  Result<std::unique_ptr<http::Server>> start(http::Router router) {
    return http::Server::start({.unix_socket = path_, .telemetry = &telemetry_}, std::move(router));
  }
  http::ClientResponse ask(const std::string& method, const std::string& target) {
    http::ClientRequest request;
    request.method = method;
    request.url = "http://localhost" + target;
    Result<http::ClientResponse> response = http::Client({.unix_socket = path_}).send(request);
    EXPECT_TRUE(response) << response.error().message;
    return response ? *response : http::ClientResponse{};
  }

  std::string path_ = "/tmp/kpay_admin_" + std::to_string(::getpid());
  std::vector<std::string> lines_;
  telemetry::Telemetry telemetry_{
      {.format = telemetry::LogFormat::logfmt,
       .write = [this](std::string_view line) { lines_.emplace_back(line); }}};
  std::vector<std::int64_t> deadlines_;
  std::vector<std::string> asked_again_;
  bool busy_ = false;
  bool clean_ = true;
  int resumed_ = 0;
  std::unique_ptr<http::Server> server_;
};

TEST_F(AdminTest, TheSocketIsForItsUserAndGroupOnly) {
  const auto mode = std::filesystem::status(path_).permissions();
  EXPECT_EQ(static_cast<unsigned>(mode), 0660U);
}

TEST_F(AdminTest, StatusIsTheStatusDocument) {
  const nlohmann::json json = nlohmann::json::parse(ask("GET", "/status").body);
  EXPECT_EQ(json["instance"], "account-1");
  EXPECT_EQ(json["phase"], "running");
}

TEST_F(AdminTest, DrainGivesTheRecordsAndTakesADeadline) {
  const nlohmann::json json = nlohmann::json::parse(ask("POST", "/drain?deadline_ms=1500").body);
  EXPECT_EQ(json["clean"], true);
  EXPECT_EQ(json["records"][0]["stage"], "account");
  EXPECT_EQ(json["records"][0]["position"], 95);
  EXPECT_EQ(json["records"][0]["clean"], true);
  ask("POST", "/drain");
  EXPECT_EQ(deadlines_, (std::vector<std::int64_t>{1500, -1}));
}

TEST_F(AdminTest, AWrongDeadlineIsRefusedAndNothingIsDrained) {
  for (const char* text : {"0", "-1", "1s", "600001", "99999999999999999999"}) {
    EXPECT_EQ(ask("POST", std::string("/drain?deadline_ms=") + text).status, 400) << text;
  }
  EXPECT_TRUE(deadlines_.empty());
}

TEST_F(AdminTest, ReEmitNamesATaskAndAnOffsetAndSaysFromWhichSnapshot) {
  const http::ClientResponse done = ask("POST", "/re-emit?stage=account&partition=3&from=95");
  EXPECT_EQ(nlohmann::json::parse(done.body)["from"][0]["position"], 90);
  for (const char* query : {"", "?stage=account&partition=3", "?partition=3&from=95",
                            "?stage=account&partition=3&from=-1", "?stage=a&partition=x&from=1",
                            "?stage=a&partition=2147483648&from=1"}) {
    EXPECT_EQ(ask("POST", std::string("/re-emit") + query).status, 400) << query;
  }
  EXPECT_EQ(asked_again_, std::vector<std::string>{"account/3 95"});
}

TEST_F(AdminTest, WhatCantBeDoneNowIsAConflict) {
  busy_ = true;
  EXPECT_EQ(ask("POST", "/drain").status, 409);
  EXPECT_EQ(ask("POST", "/acknowledge-time").status, 409);
  EXPECT_EQ(ask("GET", "/drain").status, 405);
  EXPECT_EQ(ask("POST", "/reboot").status, 404);
}

TEST_F(AdminTest, LogLevelChangesAtOnceAndOnlyToALevel) {
  EXPECT_EQ(ask("POST", "/log-level?level=debug").status, 200);
  EXPECT_EQ(telemetry_.log().level(), telemetry::Level::debug);
  EXPECT_EQ(ask("POST", "/log-level?level=loud").status, 400);
  EXPECT_EQ(telemetry_.log().level(), telemetry::Level::debug);
}

TEST_F(AdminTest, ACommandIsLoggedWithWhoGaveIt) {
  ask("POST", "/resume");
  EXPECT_EQ(resumed_, 1);
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_NE(lines_[0].find("command=resume by=\"uid " + std::to_string(::getuid())),
            std::string::npos)
      << lines_[0];
}

TEST_F(AdminTest, TheClientsExitCodeSaysWhatBecameOfIt) {
  EXPECT_EQ(run_admin_command(path_, "POST", "/drain"), kExitOk);
  clean_ = false;
  EXPECT_EQ(run_admin_command(path_, "POST", "/drain"), kExitUnclean);
  busy_ = true;
  EXPECT_EQ(run_admin_command(path_, "POST", "/drain"), kExitFailure);
  EXPECT_EQ(run_admin_command(path_, "POST", "/drain?deadline_ms=x"), kExitUsage);
  EXPECT_EQ(run_admin_command(path_ + "-nobody", "GET", "/status"), kExitDependency);
}

TEST_F(AdminTest, ASocketThatSomebodyAnswersOnIsNotTaken) {
  const Result<std::unique_ptr<http::Server>> second = start({});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_EQ(ask("GET", "/status").status, 200);
}

TEST_F(AdminTest, ASocketThatADeadProcessLeftIsReplacedAndOurOwnIsRemoved) {
  const std::string kept = path_ + "-kept";
  std::filesystem::rename(path_, kept);
  server_->stop();
  std::filesystem::rename(kept, path_);
  Result<std::unique_ptr<http::Server>> second = start({});
  ASSERT_TRUE(second) << second.error().message;
  (*second)->stop();
  EXPECT_FALSE(std::filesystem::exists(path_));
}

TEST_F(AdminTest, APathThatIsTooLongIsRefusedWithItsLimit) {
  const std::string path = "/tmp/" + std::string(200, 'x');
  const auto server = http::Server::start({.unix_socket = path}, {});
  ASSERT_FALSE(server);
  EXPECT_EQ(server.error().code, ErrorCode::invalid);
  EXPECT_NE(server.error().message.find("107 bytes"), std::string::npos);
}

TEST(AdminSocketPath, IsTheConfiguredOneThenSystemdsThenNone) {
  config::DaemonConfig config;
  ::unsetenv("RUNTIME_DIRECTORY");
  EXPECT_EQ(admin_socket_path(config), "");
  ::setenv("RUNTIME_DIRECTORY", "/run/kpay-account:/run/other", 1);
  EXPECT_EQ(admin_socket_path(config), "/run/kpay-account/admin.sock");
  config.admin_socket = "/srv/a.sock";
  EXPECT_EQ(admin_socket_path(config), "/srv/a.sock");
  ::unsetenv("RUNTIME_DIRECTORY");
}

}  // namespace
}  // namespace kpay::daemons
