#include "telemetry/metrics.h"

#include <algorithm>

#include "base/check.h"
#include "telemetry/limits.h"
#include "telemetry/text.h"

namespace kpay::telemetry {
namespace {

bool is_name(std::string_view name) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  };
  return !name.empty() && name.front() >= 'a' && std::all_of(name.begin(), name.end(), allowed);
}

void check_family(const Family& family) {
  check(is_name(family.name) && family.name.starts_with("kpay_"), "a metric has a kpay_ name");
  check(family.name.ends_with("_total") == (family.kind == Kind::counter),
        "counters and only they end with _total");
  check(!family.help.empty() && family.help.find_first_of("\n\\") == std::string_view::npos,
        "a metric has one line of help");
  check((family.kind == Kind::histogram) == !family.buckets.empty(), "histograms have buckets");
  check(std::is_sorted(family.buckets.begin(), family.buckets.end()), "buckets rise");
  for (std::size_t i = 0; i < family.label_count(); ++i) {
    check(is_name(family.labels[i]) && family.labels[i] != "le", "a label has a right name");
  }
}

// A label's value: backslash, quote and line end are escaped, whatever the bytes.
void append_label(std::string& out, std::string_view name, std::string_view value) {
  out += out.back() == '{' ? "" : ",";
  out += name;
  out += "=\"";
  for (const char c : value) {
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c == '\\' || c == '"' ? "\\" : "";
      out += c;
    }
  }
  out += '"';
}

// "{a="1",le="2"}", or nothing when there are no labels.
std::string label_set(const Family& family, const std::vector<std::string>& values,
                      std::string_view le = {}) {
  std::string out = "{";
  for (std::size_t i = 0; i < values.size(); ++i) {
    append_label(out, family.labels[i], values[i]);
  }
  if (!le.empty()) {
    append_label(out, "le", le);
  }
  return out.size() == 1 ? "" : out + "}";
}

}  // namespace

std::string_view to_string(Kind kind) noexcept {
  switch (kind) {
    case Kind::counter: return "counter";
    case Kind::gauge: return "gauge";
    case Kind::histogram: return "histogram";
  }
  return "untyped";
}

Histogram::Histogram(std::span<const double> bounds)
    : bounds_(bounds), counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds.size() + 1)) {}

void Histogram::observe(double value) noexcept {
  const auto bucket = std::lower_bound(bounds_.begin(), bounds_.end(), value) - bounds_.begin();
  counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

Metrics::Metrics(std::span<const Family* const> families) {
  for (const Family* family : families) {
    check_family(*family);
    Registered& registered = families_[family->name];
    check(registered.family == nullptr, "each metric is registered once");
    registered.family = family;
    if (family->label_count() == 0) {
      find_or_add(registered, {});
    }
  }
}

Metrics::Series& Metrics::find_or_add(Registered& registered, std::vector<std::string> values) {
  auto& all = registered.series;
  if (all.size() >= limits::series_max && !all.contains(values)) {
    std::fill(values.begin(), values.end(), "overflow");
  }
  Series& series = all[std::move(values)];
  if (registered.family->kind == Kind::histogram && series.histogram == nullptr) {
    series.histogram = std::make_unique<Histogram>(registered.family->buckets);
  }
  series.hidden = false;
  return series;
}

Metrics::Series& Metrics::find_or_add(const Family& family, Kind kind, Labels values) {
  check(family.kind == kind, "a metric is used as the kind that it is");
  check(family.label_count() == values.size(), "a metric is used with all of its labels");
  const std::lock_guard lock(mutex_);
  const auto at = families_.find(family.name);
  check(at != families_.end(), "a metric is registered before it is used");
  return find_or_add(at->second, {values.begin(), values.end()});
}

Counter& Metrics::counter(const Family& family, Labels values) {
  return find_or_add(family, Kind::counter, values).counter;
}
Gauge& Metrics::gauge(const Family& family, Labels values) {
  return find_or_add(family, Kind::gauge, values).gauge;
}
Histogram& Metrics::histogram(const Family& family, Labels values) {
  return *find_or_add(family, Kind::histogram, values).histogram;
}

void Metrics::hide(const Family& family, Labels values) {
  const std::lock_guard lock(mutex_);
  const auto at = families_.find(family.name);
  check(at != families_.end(), "a metric is registered before it is used");
  const auto series = at->second.series.find({values.begin(), values.end()});
  if (series != at->second.series.end()) {
    series->second.hidden = true;
  }
}

void Metrics::render_series(std::string& out, const Family& family,
                            const std::vector<std::string>& values, const Series& series) {
  const std::string name(family.name);
  if (family.kind == Kind::counter) {
    out += name + label_set(family, values) + " " + std::to_string(series.counter.value()) + "\n";
    return;
  }
  if (family.kind == Kind::gauge) {
    out += name + label_set(family, values) + " " + number_text(series.gauge.value()) + "\n";
    return;
  }
  const Histogram& histogram = *series.histogram;
  const double sum = histogram.sum();
  std::uint64_t count = 0;
  for (std::size_t i = 0; i <= histogram.bounds().size(); ++i) {
    count += histogram.count(i);
    const bool last = i == histogram.bounds().size();
    const std::string bound = last ? "+Inf" : number_text(histogram.bounds()[i]);
    out += name + "_bucket" + label_set(family, values, bound) + " " + std::to_string(count) + "\n";
  }
  out += name + "_sum" + label_set(family, values) + " " + number_text(sum) + "\n";
  out += name + "_count" + label_set(family, values) + " " + std::to_string(count) + "\n";
}

std::string Metrics::render() const {
  std::string out;
  const std::lock_guard lock(mutex_);
  for (const auto& [name, registered] : families_) {
    out += "# HELP " + std::string(name) + " " + std::string(registered.family->help) + "\n";
    out += "# TYPE " + std::string(name) + " " + std::string(to_string(registered.family->kind)) +
           "\n";
    for (const auto& [values, series] : registered.series) {
      if (!series.hidden) {
        render_series(out, *registered.family, values, series);
      }
    }
  }
  return out;
}

}  // namespace kpay::telemetry
