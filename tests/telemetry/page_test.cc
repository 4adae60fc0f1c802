#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

#include "telemetry/telemetry.h"

namespace kpay::telemetry {
namespace {

TEST(Page, ThePageInDocsIsWhatTheCatalogueSays) {
  const std::string path = KPAY_SOURCE_DIR "/docs/telemetry.md";
  if (std::getenv("KPAY_REWRITE_GOLDEN") != nullptr) {
    std::ofstream(path) << telemetry_page();
  }
  std::ostringstream page;
  page << std::ifstream(path).rdbuf();
  EXPECT_EQ(page.str(), telemetry_page()) << "rewrite it with KPAY_REWRITE_GOLDEN=1";
}

TEST(Page, ListsEveryEventAndEveryMetric) {
  const std::string page = telemetry_page();
  each_event([&](const auto& event) {
    EXPECT_NE(page.find("| `" + std::string(event.name) + "` | "), std::string::npos) << event.name;
  });
  Telemetry telemetry({.write = [](std::string_view) {}});
  std::istringstream exported(telemetry.metrics().render());
  int families = 0;
  for (std::string line; std::getline(exported, line);) {
    if (line.starts_with("# TYPE ")) {
      const std::string name = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_NE(page.find("| `" + name + "` | "), std::string::npos) << name;
      ++families;
    }
  }
  EXPECT_EQ(families, static_cast<int>(families::all.size()));
}

}  // namespace
}  // namespace kpay::telemetry
