#include "telemetry/metrics.h"

#include <gtest/gtest.h>

#include <thread>

#include "telemetry/limits.h"

namespace kpay::telemetry {
namespace {

constexpr std::array<double, 2> kBounds{0.1, 1.0};
constexpr Family kPlain{"kpay_plain_total", Kind::counter, "Plain"};
constexpr Family kLabelled{"kpay_labelled", Kind::gauge, "Labelled", {"topic", "partition"}};
constexpr Family kSeconds{"kpay_work_seconds", Kind::histogram, "Work", {"stage"}, kBounds};
constexpr std::array kAll{&kSeconds, &kPlain, &kLabelled};

TEST(Metrics, ThePageIsSortedAndStartsAtZero) {
  const Metrics metrics(kAll);
  EXPECT_EQ(metrics.render(),
            "# HELP kpay_labelled Labelled\n# TYPE kpay_labelled gauge\n"
            "# HELP kpay_plain_total Plain\n# TYPE kpay_plain_total counter\nkpay_plain_total 0\n"
            "# HELP kpay_work_seconds Work\n# TYPE kpay_work_seconds histogram\n");
}

TEST(Metrics, HistogramsAreCumulative) {
  Metrics metrics(kAll);
  Histogram& histogram = metrics.histogram(kSeconds, {"account"});
  for (const double value : {0.05, 0.1, 0.5, 7.0}) {
    histogram.observe(value);
  }
  EXPECT_NE(metrics.render().find("kpay_work_seconds_bucket{stage=\"account\",le=\"0.1\"} 2\n"
                                  "kpay_work_seconds_bucket{stage=\"account\",le=\"1\"} 3\n"
                                  "kpay_work_seconds_bucket{stage=\"account\",le=\"+Inf\"} 4\n"
                                  "kpay_work_seconds_sum{stage=\"account\"} 7.65\n"
                                  "kpay_work_seconds_count{stage=\"account\"} 4\n"),
            std::string::npos)
      << metrics.render();
}

TEST(Metrics, LabelValuesAreEscaped) {
  Metrics metrics(kAll);
  metrics.gauge(kLabelled, {"a\"b\\c\nd", "3"}).set(-1.5);
  EXPECT_NE(
      metrics.render().find("kpay_labelled{topic=\"a\\\"b\\\\c\\nd\",partition=\"3\"} -1.5\n"),
      std::string::npos)
      << metrics.render();
}

TEST(Metrics, ASeriesIsFoundAgainAndCanBeHidden) {
  Metrics metrics(kAll);
  Gauge& gauge = metrics.gauge(kLabelled, {"t", "3"});
  gauge.set(2);
  EXPECT_EQ(&gauge, &metrics.gauge(kLabelled, {"t", "3"}));
  metrics.hide(kLabelled, {"t", "3"});
  EXPECT_EQ(metrics.render().find("partition=\"3\""), std::string::npos);
  gauge.add(1);  // whoever still holds it may go on
  EXPECT_EQ(metrics.gauge(kLabelled, {"t", "3"}).value(), 3);
  EXPECT_NE(metrics.render().find("partition=\"3\"} 3\n"), std::string::npos);
}

TEST(Metrics, TooManySeriesOverflowIntoOne) {
  Metrics metrics(kAll);
  for (std::size_t i = 0; i < limits::series_max; ++i) {
    metrics.gauge(kLabelled, {"t", std::to_string(i)});
  }
  Gauge& one = metrics.gauge(kLabelled, {"t", "one more"});
  EXPECT_EQ(&one, &metrics.gauge(kLabelled, {"u", "and another"}));
  EXPECT_NE(metrics.render().find("{topic=\"overflow\",partition=\"overflow\"}"),
            std::string::npos);
}

TEST(Metrics, NoIncrementIsLostBetweenThreads) {
  Metrics metrics(kAll);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&metrics] {
      Counter& counter = metrics.counter(kPlain);
      Histogram& histogram = metrics.histogram(kSeconds, {"s"});
      for (int i = 0; i < 10'000; ++i) {
        counter.add();
        histogram.observe(0.5);
        if (i % 1000 == 0) {
          EXPECT_FALSE(metrics.render().empty());
        }
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(metrics.counter(kPlain).value(), 40'000U);
  EXPECT_EQ(metrics.histogram(kSeconds, {"s"}).count(1), 40'000U);
  EXPECT_EQ(metrics.histogram(kSeconds, {"s"}).sum(), 20'000.0);
}

TEST(MetricsDeathTest, WrongUseIsOurBug) {
  Metrics metrics(kAll);
  EXPECT_DEATH(metrics.gauge(kPlain), "used as the kind that it is");
  EXPECT_DEATH(metrics.gauge(kLabelled, {"t"}), "with all of its labels");
  EXPECT_DEATH(metrics.counter(families::events_total, {"x"}), "registered before it is used");
}

}  // namespace
}  // namespace kpay::telemetry
