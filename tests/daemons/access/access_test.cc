#include "daemons/access/access.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "base/time.h"
#include "daemons/access/limits.h"
#include "daemons/access/people_file.h"
#include "daemons/access/secrets.h"

namespace kpay::access {
namespace {

class AccessTest : public ::testing::Test {
 protected:
  AccessTest() : folder_(::testing::TempDir() + "kpay_access_" + std::to_string(::getpid())) {
    std::filesystem::create_directories(folder_);
    people_.users.push_back({"ann", Role::operating, hash_password("ann's password"), false, 0});
    people_.users.push_back({"bob", Role::viewer, hash_password("bob's password"), true, 0});
    const std::int64_t now_ms = wall_clock_now().ms;
    people_.tokens.push_back(
        {"ci", Role::operating, digest_of(secret_), now_ms, now_ms + 100'000, {"postPayments"}});
    people_.tokens.push_back(
        {"old", Role::admin, digest_of("old"), now_ms - 100'000, now_ms - 1, {}});
    EXPECT_TRUE(write_people(path(), people_));
    AccessOptions options;
    options.users_file = path();
    options.session_idle_max = std::chrono::minutes(1);
    options.session_age_max = std::chrono::minutes(5);
    options.requests_per_second = 5;
    Result<std::unique_ptr<Access>> access = Access::start(options);
    EXPECT_TRUE(access) << access.error().message;
    access_ = *std::move(access);
  }
  ~AccessTest() override { std::filesystem::remove_all(folder_); }

  [[nodiscard]] std::string path() const { return folder_ + "/users"; }
  std::optional<Login> log_in(const std::string& name, const std::string& password,
                              const std::string& from = "10.0.0.1") {
    return access_->log_in(name, password, from, denied_, wait_s_);
  }

  const std::string secret_ = random_secret();
  std::string folder_;
  People people_;
  std::unique_ptr<Access> access_;
  Denied denied_ = Denied::wrong;
  std::int64_t wait_s_ = 0;
};

TEST_F(AccessTest, ALoginGivesASessionAndNothingElseDoes) {
  const std::optional<Login> login = log_in("ann", "ann's password");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->caller.name, "ann");
  EXPECT_FALSE(login->caller.csrf.empty());
  ASSERT_TRUE(access_->caller_of_session(login->secret, true));
  EXPECT_EQ(access_->caller_of_session(login->secret, true)->roles, Roles(Role::operating));
  EXPECT_NE(log_in("ann", "ann's password")->secret, login->secret) << "a new one each time";
  for (const auto& [name, password] :
       {std::pair("ann", "bob's password"), std::pair("bob", "bob's password"),
        std::pair("eve", "ann's password"), std::pair("ann", "")}) {
    EXPECT_FALSE(log_in(name, password)) << name;
    EXPECT_EQ(denied_, Denied::wrong);
  }
  access_->log_out(login->secret);
  EXPECT_FALSE(access_->caller_of_session(login->secret, true));
}

TEST_F(AccessTest, GuessingIsSlowForAnAddressAndForAName) {
  const auto tries = [&](const std::string& name, const std::string& from, double at_once) {
    int tried = 0;
    denied_ = Denied::wrong;
    while (tried < 200 && denied_ == Denied::wrong) {
      ++tried;
      const std::string number = std::to_string(tried);
      (void)log_in(name.empty() ? "nobody-" + number : name, "x",
                   from.empty() ? "10.0.1." + number : from);
    }
    EXPECT_GT(tried, static_cast<int>(at_once));
    EXPECT_LT(tried, 200) << "as many as come";
    EXPECT_GT(wait_s_, 0);
  };
  tries("ann", "", limits::name_logins_at_once);
  EXPECT_FALSE(log_in("ann", "ann's password")) << "the name, from anywhere";
}

TEST_F(AccessTest, ATokenIsGoodForItsOperationsUntilItExpires) {
  const std::optional<Caller> caller = access_->caller_of_token("kpay_" + secret_);
  ASSERT_TRUE(caller);
  EXPECT_EQ(caller->name, "token ci");
  EXPECT_EQ(caller->only, std::vector<std::string>{"postPayments"});
  EXPECT_TRUE(caller->csrf.empty());
  EXPECT_FALSE(access_->caller_of_token(secret_)) << "without its prefix";
  EXPECT_FALSE(access_->caller_of_token("kpay_guess"));
  EXPECT_FALSE(access_->caller_of_token("kpay_old")) << "expired";
  EXPECT_FALSE(access_->caller_of_token("kpay_" + digest_of(secret_))) << "the file's own text";
}

TEST_F(AccessTest, WhatTheFileSaysHoldsWhenItIsReadAgain) {
  const std::optional<Login> login = log_in("ann", "ann's password");
  ASSERT_TRUE(login);
  EXPECT_TRUE(access_->refresh()->empty()) << "nothing has changed";
  people_.users[0].disabled = true;
  people_.tokens.clear();
  ASSERT_TRUE(write_people(path(), people_));
  const Result<std::vector<std::string>> changes = access_->refresh();
  ASSERT_TRUE(changes);
  EXPECT_EQ(changes->size(), 3U);
  EXPECT_FALSE(access_->caller_of_session(login->secret, true)) << "the session is over";
  EXPECT_FALSE(access_->caller_of_token("kpay_" + secret_)) << "revoked";
  EXPECT_FALSE(log_in("ann", "ann's password"));
}

TEST_F(AccessTest, OtherRolesOrAnotherPasswordEndTheSessions) {
  for (const bool roles : {true, false}) {
    const std::optional<Login> login = log_in("ann", "ann's password");
    ASSERT_TRUE(login);
    if (roles) {
      people_.users[0].roles = Role::viewer;
    } else {
      people_.users[0].password = hash_password("another one");
    }
    ASSERT_TRUE(write_people(path(), people_));
    ASSERT_TRUE(access_->refresh());
    EXPECT_FALSE(access_->caller_of_session(login->secret, true));
  }
}

TEST_F(AccessTest, AFileThatCantBeReadLeavesThePeopleAsTheyWere) {
  std::filesystem::remove(path());
  EXPECT_FALSE(access_->refresh());
  EXPECT_TRUE(access_->refresh()) << "told once";
  EXPECT_TRUE(log_in("ann", "ann's password"));
}

TEST_F(AccessTest, EachCallerHasARateAndStrangersAnotherOne) {
  for (int i = 0; i < 5; ++i) {
    EXPECT_TRUE(access_->may_ask("ann", true, wait_s_));
  }
  EXPECT_FALSE(access_->may_ask("ann", true, wait_s_));
  EXPECT_EQ(wait_s_, 1);
  EXPECT_TRUE(access_->may_ask("token ci", true, wait_s_));
  EXPECT_TRUE(access_->may_ask("10.0.0.1", false, wait_s_));
}

}  // namespace
}  // namespace kpay::access
