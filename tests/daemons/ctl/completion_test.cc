#include "daemons/ctl/completion.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>

namespace kpay::ctl {
namespace {

class CompletionTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.add_option("--config", text_, "");
    CLI::App* accounts = app_.add_subcommand("accounts", "");
    accounts->add_subcommand("open", "")->add_option("--currency", text_, "");
    accounts->add_subcommand("close", "");
    app_.add_subcommand("books", "");
  }

  // What a bash that has sourced the script offers for this line; the last word is the unfinished.
  std::string offered(const std::string& words, int current) {
    // Tests run side by side: each has a script of its own.
    const std::string test = testing::UnitTest::GetInstance()->current_test_info()->name();
    const std::string path = testing::TempDir() + "kpay_completion_" + test + ".bash";
    std::ofstream(path) << completion(app_, "bash").value() << "COMP_WORDS=(" << words
                        << ")\nCOMP_CWORD=" << current << "\n_kpayctl\necho \"${COMPREPLY[*]}\"\n";
    std::FILE* shell = popen(("bash " + path).c_str(), "r");
    std::array<char, 1024> line{};
    const std::string told =
        std::fgets(line.data(), line.size(), shell) == nullptr ? "" : line.data();
    EXPECT_EQ(pclose(shell), 0);
    std::filesystem::remove(path);
    return told.substr(0, told.find('\n'));
  }

  CLI::App app_{"", "kpayctl"};
  std::string text_;
};

TEST_F(CompletionTest, NounsThenVerbsThenOptions) {
  EXPECT_EQ(offered("kpayctl ''", 1), "accounts books --help --config");
  EXPECT_EQ(offered("kpayctl acc", 1), "accounts");
  EXPECT_EQ(offered("kpayctl accounts ''", 2), "open close --help --config --help");
  EXPECT_EQ(offered("kpayctl accounts open --cu", 3), "--currency");
}

TEST_F(CompletionTest, OptionsBetweenTheWordsAreSteppedOver) {
  EXPECT_EQ(offered("kpayctl --config books.yaml accounts cl", 4), "close");
}

TEST_F(CompletionTest, OtherShellsHaveNone) {
  EXPECT_TRUE(completion(app_, "zsh"));
  EXPECT_FALSE(completion(app_, "fish"));
}

}  // namespace
}  // namespace kpay::ctl
