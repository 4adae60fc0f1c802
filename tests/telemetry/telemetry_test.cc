#include "telemetry/telemetry.h"

#include <gtest/gtest.h>

#include <set>

namespace kpay::telemetry {
namespace {

struct SecretUsed {
  static constexpr std::string_view name = "DaemonStarted";  // one of the catalogue's
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "for this test";
  Sensitive password{};

  void fields(auto&& f) const { f("password", password); }
};

class TelemetryTest : public ::testing::Test {
 protected:
  std::vector<std::string> lines_;
  Telemetry telemetry_{{.format = LogFormat::logfmt,
                        .write = [this](std::string_view line) { lines_.emplace_back(line); }}};
};

TEST_F(TelemetryTest, EveryEventIsCountedFromZero) {
  const std::string page = telemetry_.metrics().render();
  each_event([&](const auto& event) {
    const std::string line = "kpay_events_total{event=\"" + std::string(event.name) + "\"} 0\n";
    EXPECT_NE(page.find(line), std::string::npos) << line;
  });
}

TEST_F(TelemetryTest, EmitMakesTheLineAndTheCounterTogether) {
  telemetry_.emit(TaskHeld{"account", 7, 1234, "three deaths"});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(lines_[0].ends_with(
      "level=error event=TaskHeld msg=\"a task stands still until an operator decides; the others "
      "run (R23)\" stage=account partition=7 position=1234 reason=\"three deaths\""))
      << lines_[0];
  EXPECT_EQ(telemetry_.metrics().counter(families::events_total, {"TaskHeld"}).value(), 1U);
}

TEST_F(TelemetryTest, AnEventBelowTheLevelIsCountedAllTheSame) {
  telemetry_.log().set_level(Level::error);
  telemetry_.emit(TaskAssigned{"account", 7});
  EXPECT_TRUE(lines_.empty());
  EXPECT_EQ(telemetry_.metrics().counter(families::events_total, {"TaskAssigned"}).value(), 1U);
}

TEST_F(TelemetryTest, ASensitiveFieldIsMasked) {
  telemetry_.emit(SecretUsed{Sensitive("hunter2")});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_TRUE(lines_[0].ends_with(" password=***")) << lines_[0];
}

TEST_F(TelemetryTest, EveryEventCanBeEmittedAndItsNamesAreRight) {
  std::set<std::string_view> names;
  each_event([&](const auto& event) {
    telemetry_.emit(event);
    EXPECT_TRUE(names.insert(event.name).second) << event.name;
    EXPECT_FALSE(event.about.empty());
    std::set<std::string_view> fields{"ts", "level", "event", "msg", "suppressed"};
    event.fields([&](std::string_view name, const auto&) {
      EXPECT_TRUE(fields.insert(name).second) << event.name << " " << name;
    });
  });
  EXPECT_EQ(lines_.size(), names.size());
}

}  // namespace
}  // namespace kpay::telemetry
