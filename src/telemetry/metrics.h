// Metrics: counters, gauges and histograms of one process, and their page for Prometheus.
//
// The references that counter(), gauge() and histogram() give are valid as long as the registry:
// look a series up once and keep it. Changing a series takes no lock; looking one up does.
#pragma once

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "telemetry/families.h"

namespace kpay::telemetry {

/// Only goes up. Any thread.
class Counter {
 public:
  void add(std::uint64_t count = 1) noexcept { value_.fetch_add(count, std::memory_order_relaxed); }
  [[nodiscard]] std::uint64_t value() const noexcept {
    return value_.load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t> value_{0};
};

/// Goes up and down. Any thread.
class Gauge {
 public:
  void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }
  void add(double delta) noexcept { value_.fetch_add(delta, std::memory_order_relaxed); }
  [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<double> value_{0.0};
};

/// Counts observations by fixed buckets. Any thread.
class Histogram {
 public:
  explicit Histogram(std::span<const double> bounds);

  void observe(double value) noexcept;

  [[nodiscard]] std::span<const double> bounds() const noexcept { return bounds_; }
  /// Observations of bucket `i` alone; the last bucket is the one of +Inf.
  [[nodiscard]] std::uint64_t count(std::size_t i) const noexcept {
    return counts_[i].load(std::memory_order_relaxed);
  }
  [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

 private:
  std::span<const double> bounds_;
  std::unique_ptr<std::atomic<std::uint64_t>[]> counts_;
  std::atomic<double> sum_{0.0};
};

class Metrics {
 public:
  using Labels = std::initializer_list<std::string_view>;

  /// REQUIRES: right names (families.h), each once. Families without labels start at 0.
  explicit Metrics(std::span<const Family* const> families = families::all);
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// The series with these label values, made at 0 when it is new.
  /// REQUIRES: the family was given to the constructor, has this kind and as many labels.
  Counter& counter(const Family& family, Labels values = {});
  Gauge& gauge(const Family& family, Labels values = {});
  Histogram& histogram(const Family& family, Labels values = {});

  /// Takes a series off the page (a task went away) until it is looked up again; its value and
  /// references to it stay.
  void hide(const Family& family, Labels values);

  /// The page: text exposition format 0.0.4, families and series in the order of their names.
  [[nodiscard]] std::string render() const;
  static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

 private:
  struct Series {
    Counter counter;
    Gauge gauge;
    std::unique_ptr<Histogram> histogram;
    bool hidden = false;
  };
  struct Registered {
    const Family* family = nullptr;
    std::map<std::vector<std::string>, Series> series;
  };

  Series& find_or_add(const Family& family, Kind kind, Labels values);
  static Series& find_or_add(Registered& registered, std::vector<std::string> values);
  static void render_series(std::string& out, const Family& family,
                            const std::vector<std::string>& values, const Series& series);

  mutable std::mutex mutex_;  // guards the maps, not the values
  std::map<std::string_view, Registered> families_;
};

}  // namespace kpay::telemetry
