#include "daemons/ctl/outcome_watch.h"

#include <algorithm>
#include <set>

#include "base/hash.h"
#include "base/time.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

constexpr int kPollMs = 50;

bool is_rejection(const core::Outcome& outcome) {
  const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
  return payment != nullptr
             ? payment->status == core::PaymentStatus::rejected
             : std::get<core::CommandOutcome>(outcome).status == core::CommandStatus::rejected;
}

}  // namespace

Result<std::unique_ptr<OutcomeWatch>> OutcomeWatch::open(tool::Reached& reached,
                                                         const std::vector<Uuid>& ids, From from) {
  std::unique_ptr<OutcomeWatch> watch(new OutcomeWatch());
  std::set<std::int32_t> needed;
  for (const Uuid& id : ids) {
    watch->wanted_.emplace(id, true);
    needed.insert(partition_of(id.view(), reached.partitions));
  }
  watch->ids_ = watch->wanted_.size();
  const std::string topic = reached.topic(stages::kTopicComplete);
  std::vector<tool::SweepPart> parts;
  const Result<std::vector<stream::LogBounds>> all = reached.bounds(stages::kTopicComplete);
  if (!all) {
    return Unexpected(all.error());
  }
  for (const std::int32_t partition : needed) {
    const stream::LogBounds& bounds = (*all)[static_cast<std::size_t>(partition)];
    watch->now_.push_back(bounds.end);
    parts.push_back({topic, partition, from == From::now ? bounds.end : bounds.begin});
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  watch->sweep_ = std::move(*sweep);
  return watch;
}

Result<bool> OutcomeWatch::wait(int timeout_ms) {
  const std::int64_t deadline = monotonic_ms() + timeout_ms;
  while (missing() > 0) {
    const std::int64_t left = deadline - monotonic_ms();
    if (left <= 0) {
      return false;
    }
    const Result<std::size_t> taken = sweep_->poll(
        static_cast<int>(std::min<std::int64_t>(left, kPollMs)),
        [this](std::size_t part, const stream::LogRecord& record) { take(part, record); });
    if (!taken) {
      return Unexpected(taken.error());
    }
  }
  return true;
}

void OutcomeWatch::take(std::size_t part, const stream::LogRecord& record) {
  if (!stream::read_frame(record.value, frame_)) {
    return;
  }
  for (const stream::Frame::Item& item : frame_.events) {
    if (!wanted_.contains(item.header.subject)) {
      continue;
    }
    core::Outcome outcome;
    if (codec_.decode(item.payload, outcome)) {
      continue;
    }
    if (!is_rejection(outcome) || record.offset >= now_[part]) {
      outcomes_.emplace(item.header.subject, outcome);
    }
  }
}

bool succeeded(const core::Outcome& outcome) noexcept {
  return refusal_in(outcome) == core::Refusal::none;
}

core::Refusal refusal_in(const core::Outcome& outcome) noexcept {
  return std::visit([](const auto& each) { return each.refusal; }, outcome);
}

std::string status_text(const core::Outcome& outcome) {
  return std::visit([](const auto& each) { return std::string(core::to_string(each.status)); },
                    outcome);
}

}  // namespace kpay::ctl
