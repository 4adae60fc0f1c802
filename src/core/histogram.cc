#include "core/histogram.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>
#include <utility>

#include "base/check.h"

namespace kpay::core {

namespace {

constexpr std::uint64_t kLinear = 2048;  // values below have a bucket each
constexpr std::uint32_t kLinearBits = 11;
constexpr std::uint64_t kHalf = kLinear / 2;

// A number at the front of `text`, which is taken off it together with `after`, unless at the end.
template <class Number>
bool take(std::string_view& text, char after, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) {
    return false;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  if (text.empty()) {
    return true;
  }
  const bool followed = text.front() == after && text.size() > 1;
  text.remove_prefix(1);
  return followed;
}

}  // namespace

std::uint32_t bucket_of(std::uint64_t value) noexcept {
  if (value < kLinear) {
    return static_cast<std::uint32_t>(value);
  }
  const auto shift = static_cast<std::uint32_t>(std::bit_width(value)) - kLinearBits;
  return static_cast<std::uint32_t>(shift * kHalf + (value >> shift));
}

std::uint64_t bucket_top(std::uint32_t bucket) noexcept {
  if (bucket < kLinear) {
    return bucket;
  }
  const std::uint64_t shift = bucket / kHalf - 1;
  const std::uint64_t mantissa = bucket - shift * kHalf;
  return ((mantissa + 1) << shift) - 1;
}

void Histogram::add(std::int64_t value) {
  value = std::max<std::int64_t>(value, 0);
  min_ = count_ == 0 ? value : std::min(min_, value);
  max_ = count_ == 0 ? value : std::max(max_, value);
  add_to(bucket_of(static_cast<std::uint64_t>(value)), 1);
}

void Histogram::add_to(std::uint32_t index, std::uint64_t count) {
  count_ += count;
  const auto at =
      std::lower_bound(buckets_.begin(), buckets_.end(), index,
                       [](const Bucket& bucket, std::uint32_t i) { return bucket.index < i; });
  if (at != buckets_.end() && at->index == index) {
    at->count += count;
  } else {
    buckets_.insert(at, Bucket{index, count});
  }
}

std::int64_t Histogram::percentile(std::uint32_t per_mille) const noexcept {
  check(per_mille > 0 && per_mille <= 1000, "a percentile is of 1 to 1000 per mille");
  // The rank is rounded up without forming count * 1000, which could overflow.
  const std::uint64_t rank = count_ / 1000 * per_mille + (count_ % 1000 * per_mille + 999) / 1000;
  std::uint64_t seen = 0;
  for (const Bucket& bucket : buckets_) {
    seen += bucket.count;
    if (seen >= rank) {
      const auto top = static_cast<std::int64_t>(bucket_top(bucket.index));
      return std::clamp(top, min_, max_);
    }
  }
  return max_;
}

bool Histogram::restore(std::int64_t min, std::int64_t max, std::vector<Bucket> buckets) {
  const std::uint32_t last = bucket_of(std::numeric_limits<std::int64_t>::max());
  std::uint64_t count = 0;
  for (std::size_t i = 0; i < buckets.size(); ++i) {
    if (buckets[i].count == 0 || buckets[i].index > last ||
        (i > 0 && buckets[i].index <= buckets[i - 1].index) ||
        __builtin_add_overflow(count, buckets[i].count, &count)) {
      return false;
    }
  }
  if (min < 0 || max < min || (count == 0 && max != 0)) {
    return false;
  }
  count_ = count;
  min_ = min;
  max_ = max;
  buckets_ = std::move(buckets);
  return true;
}

void Histogram::merge(const Histogram& other) {
  if (other.count_ == 0) {
    return;
  }
  min_ = count_ == 0 ? other.min_ : std::min(min_, other.min_);
  max_ = count_ == 0 ? other.max_ : std::max(max_, other.max_);
  for (const Bucket& bucket : other.buckets_) {
    add_to(bucket.index, bucket.count);
  }
}

std::string to_string(const Histogram& histogram) {
  std::string text = std::to_string(histogram.min()) + " " + std::to_string(histogram.max());
  for (const Histogram::Bucket& bucket : histogram.buckets()) {
    text += " " + std::to_string(bucket.index) + ":" + std::to_string(bucket.count);
  }
  return text;
}

std::optional<Histogram> parse_histogram(std::string_view text) {
  std::int64_t min = 0;
  std::int64_t max = 0;
  if (!take(text, ' ', min) || text.empty() || !take(text, ' ', max)) {
    return std::nullopt;
  }
  std::vector<Histogram::Bucket> buckets;
  while (!text.empty()) {
    Histogram::Bucket bucket;
    if (!take(text, ':', bucket.index) || text.empty() || !take(text, ' ', bucket.count)) {
      return std::nullopt;
    }
    buckets.push_back(bucket);
  }
  Histogram histogram;
  if (!histogram.restore(min, max, std::move(buckets))) {
    return std::nullopt;
  }
  return histogram;
}

}  // namespace kpay::core
