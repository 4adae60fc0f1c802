#include "daemons/load/answers.h"

#include "stages/specs.h"

namespace kpay::load {

namespace {

void add_parts(const std::string& topic, const std::vector<std::int64_t>& offsets,
               const std::vector<std::int64_t>& ends, std::vector<tool::SweepPart>& parts) {
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    parts.push_back({topic, static_cast<std::int32_t>(i), offsets[i],
                     ends.empty() ? tool::SweepPart::kNoEnd : ends[i]});
  }
}

}  // namespace

Result<std::unique_ptr<AnswerReader>> AnswerReader::open(const tool::Reached& reached,
                                                         const AnswerOffsets& from,
                                                         AnswerTakers takers) {
  std::unique_ptr<AnswerReader> answers(new AnswerReader());
  answers->takers_ = std::move(takers);
  std::vector<tool::SweepPart> parts;
  add_parts(reached.topic(stages::kTopicConfirmed), from.confirmed, {}, parts);
  add_parts(reached.topic(stages::kTopicFailed), from.failed, {}, parts);
  answers->first_frame_part_ = parts.size();
  add_parts(reached.topic(stages::kTopicComplete), from.complete, from.complete_ends, parts);
  answers->seen_.resize(parts.size());
  Result<std::unique_ptr<tool::Sweep>> sweep =
      tool::Sweep::start(reached.connection.client, std::move(parts));
  if (!sweep) {
    return Unexpected(sweep.error());
  }
  answers->sweep_ = std::move(*sweep);
  return answers;
}

Result<std::size_t> AnswerReader::poll(int wait_ms) {
  return sweep_->poll(
      wait_ms, [this](std::size_t part, const stream::LogRecord& record) { take(part, record); });
}

Result<void> AnswerReader::run() {
  return sweep_->run(
      [this](std::size_t part, const stream::LogRecord& record) { take(part, record); });
}

void AnswerReader::take(std::size_t part, const stream::LogRecord& record) {
  part < first_frame_part_ ? take_result(seen_[part], record.value)
                           : take_frame(seen_[part], record.value);
}

void AnswerReader::take_result(Seen& all, ByteView value) {
  if (results_.decode(value, result_)) {
    ++unreadable_;
    return;
  }
  const auto [seen, first] = all.try_emplace(stream::SenderId{}, result_.number);
  if (first || result_.number > seen->second) {
    seen->second = result_.number;
    takers_.result(result_);
  }
}

void AnswerReader::take_frame(Seen& all, ByteView value) {
  if (!stream::read_frame(value, frame_)) {
    return;  // a tick, or what the daemons put aside, too
  }
  const auto [seen, first] = all.try_emplace(frame_.sender, frame_.first - 1);
  std::uint64_t number = frame_.first;
  for (const stream::Frame::Item& item : frame_.events) {
    if (number > seen->second) {
      seen->second = number;
      if (outcomes_.decode(item.payload, outcome_)) {
        ++unreadable_;
      } else {
        takers_.outcome(outcome_);
      }
    }
    ++number;
  }
}

}  // namespace kpay::load
