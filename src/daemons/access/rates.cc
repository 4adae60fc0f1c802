#include "daemons/access/rates.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "daemons/access/limits.h"

namespace kpay::access {

namespace {

constexpr double kMsPerSecond = 1000.0;

}  // namespace

bool Rates::take(std::string_view who, std::int64_t now_ms, std::int64_t& wait_s) {
  const std::lock_guard lock(mutex_);
  auto found = buckets_.find(who);
  if (found == buckets_.end()) {
    make_room(now_ms);
    found = buckets_.emplace(std::string(who), Bucket{at_once_, now_ms}).first;
  }
  Bucket& bucket = found->second;
  const double passed_s = static_cast<double>(now_ms - bucket.at_ms) / kMsPerSecond;
  bucket.left = std::min(at_once_, bucket.left + passed_s * per_second_);
  bucket.at_ms = now_ms;
  if (bucket.left < 1.0) {
    wait_s = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(std::ceil((1.0 - bucket.left) / per_second_)));
    return false;
  }
  bucket.left -= 1.0;
  return true;
}

void Rates::forget(std::string_view who) {
  const std::lock_guard lock(mutex_);
  if (const auto found = buckets_.find(who); found != buckets_.end()) {
    buckets_.erase(found);
  }
}

// Full buckets say nothing; when most are in use, the half that was asked longest ago goes.
void Rates::make_room(std::int64_t now_ms) {
  if (buckets_.size() < limits::rated_max) {
    return;
  }
  const double full_ms = at_once_ / per_second_ * kMsPerSecond;
  std::erase_if(buckets_, [&](const auto& each) {
    return static_cast<double>(now_ms - each.second.at_ms) >= full_ms;
  });
  if (buckets_.size() < limits::rated_max / 2) {
    return;
  }
  std::vector<std::int64_t> times;
  times.reserve(buckets_.size());
  for (const auto& [who, bucket] : buckets_) {
    times.push_back(bucket.at_ms);
  }
  const auto middle = times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2);
  std::nth_element(times.begin(), middle, times.end());
  std::erase_if(buckets_, [&](const auto& each) { return each.second.at_ms <= *middle; });
}

}  // namespace kpay::access
