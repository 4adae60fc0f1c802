#include "daemons/load/pace.h"

#include <cmath>

namespace kpay::load {

namespace {

constexpr std::size_t kStretchesMax = 1000;
constexpr double kUsInSecond = 1e6;

}  // namespace

std::int64_t Pace::Stretch::intended_us(std::uint32_t number) const {
  return start_us + std::llround(static_cast<double>(number - first) * kUsInSecond / rate);
}

void Pace::set_rate(double rate, std::int64_t now_us) {
  stretches_.push_back({next_, now_us, rate});
  if (stretches_.size() > kStretchesMax) {
    stretches_.pop_front();
  }
}

std::int64_t Pace::due_us() const noexcept {
  const bool none = stretches_.empty() || stretches_.back().rate <= 0;
  return none ? kNever : stretches_.back().intended_us(next_);
}

std::uint64_t Pace::skip(std::int64_t now_us, std::int64_t behind_us_max) {
  const std::int64_t due = due_us();
  if (due == kNever || now_us - due <= behind_us_max) {
    return 0;
  }
  const double rate = stretches_.back().rate;
  set_rate(rate, now_us);
  return static_cast<std::uint64_t>(static_cast<double>(now_us - due) * rate / kUsInSecond);
}

std::optional<std::int64_t> Pace::intended_us(std::uint32_t number) const {
  for (auto stretch = stretches_.rbegin(); stretch != stretches_.rend(); ++stretch) {
    if (stretch->first <= number && stretch->rate > 0) {
      return stretch->intended_us(number);
    }
  }
  return std::nullopt;
}

}  // namespace kpay::load
