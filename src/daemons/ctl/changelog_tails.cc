#include "daemons/ctl/changelog_tails.h"

#include "base/time.h"
#include "stages/specs.h"

namespace kpay::ctl {

namespace {

constexpr int kPollMs = 100;
constexpr std::int64_t kStallMs = 30'000;

}  // namespace

bool TaskTail::refuses(const stream::SenderId& sender) const {
  const auto found = marker().registers.senders.find(sender);
  return found != marker().registers.senders.end() && found->second.refused;
}

Result<std::unique_ptr<ChangelogTails>> ChangelogTails::open(const tool::Reached& reached) {
  std::unique_ptr<ChangelogTails> tails(new ChangelogTails());
  std::vector<tool::SweepPart> parts;
  std::vector<std::int64_t> ends;
  for (const stream::StageSpec& spec : stages::all_specs()) {
    Result<std::vector<stream::LogBounds>> bounds = reached.bounds(spec.changelog());
    if (!bounds) {
      return Unexpected(bounds.error());
    }
    for (std::size_t p = 0; p < bounds->size(); ++p) {
      const auto partition = static_cast<std::int32_t>(p);
      parts.push_back({reached.topic(spec.changelog()), partition, (*bounds)[p].begin});
      ends.push_back((*bounds)[p].end);
      tails->tasks_.push_back({{spec.number, partition}});
      tails->taken_.push_back((*bounds)[p].begin);
    }
  }
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  tails->sweep_ = std::move(*sweep);
  tails->sweep_->begin_again([tails = tails.get()](std::size_t part) {
    tails->tasks_[part] = TaskTail{tails->tasks_[part].task};
  });
  if (Result<void> read = tails->read_to(ends); !read) {
    return Unexpected(read.error());
  }
  return tails;
}

void ChangelogTails::take(std::size_t part, const stream::LogRecord& record) {
  (void)tasks_[part].reader.feed(record.offset, record.value);
  taken_[part] = record.offset + 1;
}

Result<void> ChangelogTails::read_to(const std::vector<std::int64_t>& ends) {
  const auto behind = [&] {
    for (std::size_t i = 0; i < ends.size(); ++i) {
      if (taken_[i] < ends[i]) {
        return true;
      }
    }
    return false;
  };
  std::int64_t moved_ms = monotonic_ms();
  while (behind()) {
    Result<std::size_t> got = sweep_->poll(
        kPollMs, [this](std::size_t part, const stream::LogRecord& record) { take(part, record); });
    if (!got) {
      return Unexpected(got.error());
    }
    if (*got > 0) {
      moved_ms = monotonic_ms();
    } else if (monotonic_ms() - moved_ms > kStallMs) {
      return Unexpected(ErrorCode::unavailable, "the changelogs can't be read to their ends");
    }
  }
  return {};
}

Result<void> ChangelogTails::follow(int wait_ms) {
  Result<std::size_t> got = sweep_->poll(
      wait_ms, [this](std::size_t part, const stream::LogRecord& record) { take(part, record); });
  return got ? Result<void>() : Unexpected(got.error());
}

}  // namespace kpay::ctl
