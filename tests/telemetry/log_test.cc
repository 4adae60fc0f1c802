#include "telemetry/log.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <thread>

#include "telemetry/limits.h"

namespace kpay::telemetry {
namespace {

// A log whose lines are kept, with clocks that stand until they are moved.
class LogTest : public ::testing::Test {
 protected:
  LogOptions options(LogFormat format, Level level = Level::info) {
    return {.format = format,
            .level = level,
            .constant = {{"daemon", "kpay-account"}},
            .write = [this](std::string_view line) { lines_.emplace_back(line); },
            .wall_clock = [] { return Timestamp{1'763'830'435'007}; },
            .timer_ms = [this] { return timer_ms_; }};
  }

  std::vector<std::string> lines_;
  std::int64_t timer_ms_ = 1000;
};

TEST_F(LogTest, LogfmtHasItsFieldsInOneOrder) {
  Log log(options(LogFormat::logfmt));
  log.write(Level::warning, "TaskHeld", "a task stands still",
            {{"stage", std::string_view("account")},
             {"partition", std::int64_t{7}},
             {"ratio", 0.5},
             {"clean", false},
             {"why", std::string_view("two \"words\"\n")}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0],
            "ts=2025-11-22T16:53:55.007Z level=warning event=TaskHeld msg=\"a task stands still\" "
            "daemon=kpay-account stage=account partition=7 ratio=0.5 clean=false "
            "why=\"two \\\"words\\\"\\n\"");
}

TEST_F(LogTest, JsonIsOneObjectALineWithNumbersAsNumbers) {
  Log log(options(LogFormat::json));
  const double infinite = std::numeric_limits<double>::infinity();
  log.write(Level::error, "X", "m", {{"big", ~std::uint64_t{0}}, {"inf", infinite}, {"ok", true}});
  ASSERT_EQ(lines_.size(), 1U);
  EXPECT_EQ(lines_[0],
            R"({"ts":"2025-11-22T16:53:55.007Z","level":"error","event":"X","msg":"m",)"
            R"("daemon":"kpay-account","big":18446744073709551615,"inf":"+Inf","ok":true})");
  EXPECT_FALSE(nlohmann::json::parse(lines_[0], nullptr, false).is_discarded());
}

TEST_F(LogTest, LinesBelowTheLevelAreNotWrittenAndTheLevelCanChange) {
  Log log(options(LogFormat::logfmt));
  log.write(Level::debug, "X", "m", {});
  EXPECT_TRUE(lines_.empty());
  log.set_level(Level::debug);
  log.write(Level::debug, "X", "m", {});
  EXPECT_EQ(lines_.size(), 1U);
}

TEST_F(LogTest, RepeatsAreSuppressedAndCountedPerEvent) {
  Log log(options(LogFormat::logfmt));
  for (std::uint64_t i = 0; i < limits::repeats_max + 841; ++i) {
    log.write(Level::info, "X", "m", {});
  }
  log.write(Level::info, "Y", "m", {});
  ASSERT_EQ(lines_.size(), limits::repeats_max + 1);
  EXPECT_NE(lines_.back().find("event=Y"), std::string::npos);
  timer_ms_ += limits::repeats_window_ms;
  log.write(Level::info, "X", "m", {});
  EXPECT_TRUE(lines_.back().ends_with(" suppressed=841")) << lines_.back();
  log.write(Level::info, "X", "m", {});
  EXPECT_EQ(lines_.back().find("suppressed"), std::string::npos);
}

TEST_F(LogTest, WhatWasSuppressedIsToldEvenIfNothingFollows) {
  {
    Log log(options(LogFormat::logfmt));
    for (std::uint64_t i = 0; i < limits::repeats_max + 3; ++i) {
      log.write(Level::info, "X", "m", {});
    }
    log.flush_suppressed();
    EXPECT_EQ(lines_.size(), limits::repeats_max);  // its window is not over
    timer_ms_ += limits::repeats_window_ms;
    log.flush_suppressed();
    EXPECT_TRUE(lines_.back().ends_with(" suppressed=3")) << lines_.back();
    for (std::uint64_t i = 0; i < limits::repeats_max + 2; ++i) {
      log.write(Level::info, "X", "m", {});
    }
  }
  EXPECT_TRUE(lines_.back().ends_with(" suppressed=2")) << lines_.back();
}

TEST_F(LogTest, LongTextsAreCutAndSayByHowMuch) {
  Log log(options(LogFormat::json));
  const std::string text(limits::field_bytes_max + 10, 'x');
  log.write(Level::info, "X", "m", {{"text", std::string_view(text)}});
  EXPECT_NE(lines_[0].find("x… (10 more bytes)\"}"), std::string::npos);
}

TEST_F(LogTest, ThreadsNeverMixTheirLines) {
  Log log(options(LogFormat::json));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&log, t] {
      const std::string event = "Event" + std::to_string(t);
      for (int i = 0; i < 200; ++i) {
        log.write(Level::info, event, "m", {{"i", std::int64_t{i}}});
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(lines_.size(), 4 * limits::repeats_max);
  for (const std::string& line : lines_) {
    EXPECT_FALSE(nlohmann::json::parse(line, nullptr, false).is_discarded()) << line;
  }
}

TEST(LogToStandardError, IsJsonWhenItIsNoTerminal) {
  ::testing::internal::CaptureStderr();
  {
    Log log({});
    log.write(Level::info, "X", "m", {});
  }
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_TRUE(text.starts_with("{\"ts\":\"2")) << text;
  EXPECT_TRUE(text.ends_with("}\n")) << text;
}

}  // namespace
}  // namespace kpay::telemetry
