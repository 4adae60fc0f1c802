#include "daemons/gateway/outcomes.h"

#include <algorithm>

#include "daemons/gateway/limits.h"
#include "stages/specs.h"

namespace kpay::gateway {

namespace {

constexpr std::size_t kReadAheadKilobytes = 16'384;
constexpr int kPollMs = 100;
// Of a frame, so many are decoded for the list of recent payments; the others only when awaited.
constexpr std::size_t kRecentOfFrame = 20;

}  // namespace

Result<std::unique_ptr<Outcomes>> Outcomes::start(const tool::Reached& reached,
                                                  std::function<void(const Error&)> failed) {
  std::unique_ptr<Outcomes> outcomes(new Outcomes());
  const Result<std::vector<std::int64_t>> ends = reached.ends(stages::kTopicComplete);
  if (!ends) {
    return Unexpected(ends.error());
  }
  std::vector<tool::SweepPart> parts;
  for (std::size_t i = 0; i < ends->size(); ++i) {
    parts.push_back(
        {reached.topic(stages::kTopicComplete), static_cast<std::int32_t>(i), (*ends)[i]});
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts), kReadAheadKilobytes);
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  outcomes->sweep_ = std::move(*sweep);
  outcomes->thread_ =
      std::thread([raw = outcomes.get(), failed = std::move(failed)] { raw->run(failed); });
  return outcomes;
}

Outcomes::~Outcomes() {
  stopping_ = true;
  if (thread_.joinable()) {
    thread_.join();
  }
}

void Outcomes::run(const std::function<void(const Error&)>& failed) {
  while (!stopping_) {
    const Result<std::size_t> taken = sweep_->poll(
        kPollMs, [this](std::size_t, const stream::LogRecord& record) { take(record); });
    if (!taken) {
      failed(taken.error());
      return;
    }
  }
}

void Outcomes::take(const stream::LogRecord& record) {
  if (!stream::read_frame(record.value, frame_)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  const std::size_t count = frame_.events.size();
  for (std::size_t i = 0; i < count; ++i) {
    const stream::Frame::Item& item = frame_.events[i];
    const auto awaited = awaited_.find(item.header.subject);
    const bool shown = i + kRecentOfFrame >= count;
    core::Outcome outcome;
    if ((awaited == awaited_.end() && !shown) || codec_.decode(item.payload, outcome)) {
      continue;
    }
    if (awaited != awaited_.end() && !awaited->second.outcome) {
      awaited->second.outcome = outcome;
      told_.notify_all();
    }
    const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
    if (shown && payment != nullptr && !is_recent(*payment)) {
      recent_.push_front({*payment, record.appended});
    }
  }
  while (recent_.size() > limits::recent_payments) {
    recent_.pop_back();
  }
}

// An outcome may be told again after a crash.
bool Outcomes::is_recent(const core::PaymentOutcome& outcome) const {
  return std::any_of(recent_.begin(), recent_.end(),
                     [&](const RecentPayment& each) { return each.outcome == outcome; });
}

std::vector<RecentPayment> Outcomes::recent() const {
  const std::lock_guard lock(mutex_);
  return {recent_.begin(), recent_.end()};
}

Outcomes::Waiter::Waiter(Outcomes& outcomes, const Uuid& id) : outcomes_(outcomes), id_(id) {
  const std::lock_guard lock(outcomes_.mutex_);
  ++outcomes_.awaited_[id_].waiters;
}

Outcomes::Waiter::~Waiter() {
  const std::lock_guard lock(outcomes_.mutex_);
  const auto found = outcomes_.awaited_.find(id_);
  if (--found->second.waiters == 0) {
    outcomes_.awaited_.erase(found);
  }
}

std::optional<core::Outcome> Outcomes::Waiter::wait(std::chrono::milliseconds time) {
  std::unique_lock lock(outcomes_.mutex_);
  const Awaited& awaited = outcomes_.awaited_[id_];
  outcomes_.told_.wait_for(lock, time, [&] { return awaited.outcome.has_value(); });
  return awaited.outcome;
}

}  // namespace kpay::gateway
