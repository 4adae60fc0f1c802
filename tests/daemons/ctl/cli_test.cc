#include "daemons/ctl/cli.h"

#include <gtest/gtest.h>

#include <vector>

namespace kpay::ctl {
namespace {

struct Ran {
  int exit = 0;
  std::string out;
  std::string err;
};

// Command lines that end before any broker is asked.
Ran ran(std::vector<const char*> words) {
  words.insert(words.begin(), "kpayctl");
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  Ran ran;
  ran.exit = run(static_cast<int>(words.size()), words.data());
  ran.out = testing::internal::GetCapturedStdout();
  ran.err = testing::internal::GetCapturedStderr();
  return ran;
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(Cli, AnOptionThatIsNoneIsAUsageErrorWithTheOneThatWasMeant) {
  const Ran done = ran({"accounts", "list", "--limt", "5"});
  EXPECT_EQ(done.exit, 2);
  EXPECT_EQ(done.out, "");
  EXPECT_TRUE(has(done.err, "--limt")) << done.err;
  EXPECT_TRUE(has(done.err, "did you mean --limit?")) << done.err;
  EXPECT_TRUE(has(done.err, "`kpayctl accounts list --help`")) << done.err;
}

TEST(Cli, WithJsonAUsageErrorIsADocumentToo) {
  for (const char* format : {"--json", "--jsonl"}) {
    const Ran done = ran({"accounts", "list", "--limt", "5", format});
    EXPECT_EQ(done.exit, 2);
    EXPECT_EQ(done.err, "");
    EXPECT_TRUE(done.out.starts_with(R"({"error":{"code":"usage","message":")")) << done.out;
  }
}

TEST(Cli, WhatIsMissingIsNamed) {
  EXPECT_TRUE(has(ran({"payments", "send"}).err, "--from"));
  EXPECT_EQ(ran({}).exit, 2);
  EXPECT_EQ(ran({"accounts"}).exit, 2);
  EXPECT_TRUE(has(ran({"pipeline", "pause"}).err, "--reason"));
  EXPECT_TRUE(has(ran({"load", "start", "--rate", "5", "--reason", "x"}).err, "--accounts"));
}

TEST(Cli, HelpIsNoError) {
  const Ran done = ran({"accounts", "open", "--help"});
  EXPECT_EQ(done.exit, 0);
  EXPECT_TRUE(has(done.out, "--dry-run")) << done.out;
}

TEST(Cli, WhatChangesNothingHasNoDryRun) {
  EXPECT_EQ(ran({"accounts", "list", "--dry-run"}).exit, 2);
  EXPECT_EQ(ran({"pipeline", "status", "--dry-run"}).exit, 2);
}

TEST(Cli, WithoutATerminalWhatIsDangerousNeedsAYes) {
  const Ran done = ran({"accounts", "close", "alice", "--bootstrap", "127.0.0.1:1", "--no-input"});
  EXPECT_EQ(done.exit, 2);
  EXPECT_TRUE(has(done.err, "close account alice for good (127.0.0.1:1")) << done.err;
  EXPECT_TRUE(has(done.err, "--yes")) << done.err;
}

TEST(Cli, WrongValuesAreToldBeforeAnyBrokerIsAsked) {
  EXPECT_TRUE(has(ran({"accounts", "open", "a b", "--currency", "EUR"}).err, "\"a b\""));
  EXPECT_TRUE(has(ran({"load", "start", "--rate", "5", "--accounts", "10", "--reason", "x",
                       "--currency", "euro"})
                      .err,
                  "\"euro\""));
  EXPECT_TRUE(has(
      ran({"load", "start", "--rate", "5", "--accounts", "10", "--reason", "x", "--duration", "1w"})
          .err,
      "\"1w\""));
}

}  // namespace
}  // namespace kpay::ctl
