#include "daemons/ctl/manual.h"

#include <gtest/gtest.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <map>
#include <sstream>

namespace kpay::ctl {
namespace {

class ManualTest : public testing::Test {
 protected:
  void SetUp() override {
    app_.footer("Exit codes: 0 ok\n.not a macro");
    app_.add_option("--config", text_, "A file");
    CLI::App* accounts = app_.add_subcommand("accounts", "Open and close accounts");
    CLI::App* open = accounts->add_subcommand("open", "Open one");
    open->add_option("ID", text_, "Its id")->required();
    open->add_option("--currency", text_, "As EUR")->required();
    open->add_flag("-y,--yes", flag_, "Don't ask");
    app_.add_subcommand("version", "Say which build this is");
    for (auto& [name, page] : manual(app_, "1.2.3")) {
      pages_.emplace(name, std::move(page));
    }
  }

  CLI::App app_{"Operate", "kpayctl"};
  std::string text_;
  bool flag_ = false;
  std::map<std::string, std::string> pages_;
};

TEST_F(ManualTest, EachNounHasAPageWithItsVerbsAndTheirOptions) {
  ASSERT_EQ(pages_.size(), 3U);
  const std::string& page = pages_.at("kpayctl-accounts.1");
  EXPECT_NE(page.find(".TH KPAYCTL-ACCOUNTS 1 \"\" \"kpay 1.2.3\""), std::string::npos);
  EXPECT_NE(page.find(".SS open\nOpen one"), std::string::npos);
  EXPECT_NE(page.find("\\fBkpayctl accounts open\\fR \\fIID\\fR \\fB\\-\\-currency\\fR"),
            std::string::npos);
  EXPECT_NE(page.find("\\fB\\-y\\fR, \\fB\\-\\-yes\\fR\nDon't ask"), std::string::npos);
  const std::string& tool = pages_.at("kpayctl.1");
  EXPECT_NE(tool.find("\\fBkpayctl\\-accounts\\fR(1)"), std::string::npos);
  EXPECT_NE(tool.find("\\fB\\-\\-config\\fR"), std::string::npos);
}

TEST_F(ManualTest, NoTextIsTakenForAMacro) {
  EXPECT_NE(pages_.at("kpayctl.1").find("\\&.not a macro"), std::string::npos);
  for (const auto& [name, page] : pages_) {
    std::istringstream lines(page);
    for (std::string line; std::getline(lines, line);) {
      if (line.starts_with('.')) {
        const std::string macro = line.substr(1, line.find(' ') - 1);
        const std::vector<std::string> known{"TH", "SH", "SS", "TP", "br", "nf", "fi"};
        EXPECT_TRUE(std::count(known.begin(), known.end(), macro)) << name << ": " << line;
      }
    }
  }
}

}  // namespace
}  // namespace kpay::ctl
