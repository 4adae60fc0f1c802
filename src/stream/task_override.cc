// Task: overrides of input records (R23), from the wish for one to what is done with the record.
//
// One that is wanted for the record at hand is admitted first: the task stands before that record,
// with the counters that all before it led to. If something beyond those counters stands
// downstream, the record was processed once, and told; then it is not admitted, or the task would
// tell something else under the same numbers. Otherwise a renewal carries it, which counts only
// while nobody else has taken over; once that was read back it is a row, and the record is taken.
#include <algorithm>

#include "base/plant.h"
#include "stream/task_parts.h"

namespace kpay::stream {

const OperatorAnswer* Task::wanted_override(std::int64_t offset) const {
  if (overrides_.find(offset) != nullptr) {
    return nullptr;
  }
  for (const OperatorAnswer& each : parts_.overrides) {
    const OperatorRecord& record = each.record;
    if (override_of(each) && overridden_offset(each) == offset &&
        record.lineage == parts_.identity.lineage &&
        record.topic_id == parts_.identity.topic_ids.front() &&
        record.stage == parts_.spec.number && record.partition == parts_.partition &&
        std::find(refused_.begin(), refused_.end(), record.id) == refused_.end()) {
      return &each;
    }
  }
  return nullptr;
}

void Task::want_override(const OperatorAnswer& answer) {
  parts_.overrides.push_back(answer);
  if (phase_ != Phase::running || !waiting_ || admission_) {
    return;
  }
  if (const OperatorAnswer* wanted = wanted_override(waiting_->offset)) {  // its time jumps
    begin_admission(*wanted);
  }
}

void Task::begin_admission(const OperatorAnswer& wanted) {
  admission_ = std::make_unique<Admission>();
  admission_->answer = wanted;
  const Logic& to = std::get<OverrideInput>(wanted.record.what).to;
  if (to.version != 0 && to.version != parts_.spec.logic.version + 1) {
    refuse_override("this build is of logic version " + std::to_string(parts_.spec.logic.version) +
                    ", from where version " + std::to_string(to.version) + " is not next");
    return;
  }
  reason_ = "asks whether the override of input offset " + std::to_string(waiting_->offset) +
            " may be admitted";
  ask_outputs();
}

// What lies beyond the counters was caused by this record or a later one, so it is not older than
// the first record that the last checkpoint doesn't have.
void Task::ask_outputs() {
  admission_->step = Admission::Step::asked;
  parts_.port->query_outputs(parts_.spec, parts_.identity.lineage, last_marker_.registers.position);
}

void Task::on_outputs(const Result<SentNumbers>& sent) {
  if (phase_ != Phase::running || !admission_ || admission_->step != Admission::Step::asked) {
    return;
  }
  if (!sent) {
    admission_->step = Admission::Step::ask_again;
    admission_->retry_ms = now_ms_ + kStoreRetryMs;
    reason_ = "an override waits: what stands downstream can't be read: " + sent.error().message;
    return;
  }
  for (const auto& [place, number] : *sent) {
    const std::uint64_t told = lane(place.first, place.second).last();
    if (number > told && !KPAY_PLANT(override_beyond_outputs)) {
      refuse_override("number " + std::to_string(number) + " of output " +
                      std::to_string(place.first) + " to partition " +
                      std::to_string(place.second) + " stands in the log, and what comes before " +
                      "the record leads to " + std::to_string(told) +
                      ": the record was processed once, and told");
      return;
    }
  }
  admission_->step = Admission::Step::admitted;
}

void Task::refuse_override(const std::string& why) {
  const OperatorRecord& record = admission_->answer.record;
  override_refused_ = "the override by " + record.author + " is refused: " + why;
  refused_.push_back(record.id);
  tell(TaskNotice::Kind::operator_record, override_refused_);
  admission_.reset();
  go_on_with_waiting();
}

// Between checkpoints and bases, as every renewal.
void Task::advance_admission() {
  if (!admission_ || phase_ != Phase::running) {
    return;
  }
  if (admission_->step == Admission::Step::ask_again && now_ms_ >= admission_->retry_ms) {
    ask_outputs();
  }
  if (admission_->step == Admission::Step::admitted && !checkpoint_ &&
      base_step_ == BaseStep::none) {
    admission_->step = Admission::Step::renewing;
    OpenMarker marker = open_marker(OpenMarker::Kind::renewal);
    marker.overrides.push_back(encode(admission_->answer));
    send_changelog(encode(marker), kTagChangelog);
  }
}

// The renewal was read back: nobody else has taken over before it.
void Task::on_override_admitted() {
  epoch_ = restorer_->reader().epoch();
  const OperatorAnswer answer = std::move(admission_->answer);
  admission_.reset();
  keep_override(answer);
  tell(TaskNotice::Kind::operator_record,
       "override of input offset " + std::to_string(overridden_offset(answer)) + " by " +
           answer.record.author + " (" + answer.record.reason + "): admitted");
  go_on_with_waiting();
}

void Task::keep_override(const OperatorAnswer& answer) {
  const std::optional<Override> row = override_of(answer);
  if (row && overrides_.find(overridden_offset(answer)) == nullptr &&
      !KPAY_PLANT(override_not_kept)) {
    overrides_.insert(overridden_offset(answer), *row);
  }
}

void Task::take_over_overrides(const std::vector<Bytes>& admitted) {
  if (KPAY_PLANT(override_not_taken_over)) {
    return;
  }
  for (const Bytes& each : admitted) {
    if (const std::optional<OperatorAnswer> answer = decode_operator_answer(each)) {
      keep_override(*answer);
    }
  }
}

void Task::keep_waiting(const LogRecord& record) {
  waiting_key_ = to_bytes(record.key);
  waiting_value_ = to_bytes(record.value);
  waiting_ = LogRecord{record.offset, record.appended, waiting_key_, waiting_value_};
}

void Task::go_on_with_waiting() {
  reason_.clear();
  if (!waiting_ || phase_ != Phase::running) {
    return;
  }
  const LogRecord record = *waiting_;
  waiting_.reset();
  process_noted(record);
}

// What was in it is not lost: each of its events becomes a dead letter, which can be replayed.
void Task::process_overridden(const LogRecord& record, const Override& override) {
  if (override.action == OverrideAction::skip) {
    skipping_ = true;
    process(record);
    skipping_ = false;
    return;
  }
  LogRecord dated = record;
  dated.appended = override.time;
  time_said_ = override.time;
  process(dated);
  time_said_.reset();
}

}  // namespace kpay::stream
