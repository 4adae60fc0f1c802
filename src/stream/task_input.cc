// Task: receiving records, applying events, sending what they cause (R3–R10, R24).
#include <algorithm>
#include <mutex>

#include "base/failpoint.h"
#include "base/plant.h"
#include "stream/task_parts.h"

namespace kpay::stream {

// ---- what an event causes

void Task::EventEmitter::emit(std::size_t output, ByteView key, const Outgoing& event) {
  check(output < task_->parts_.spec.outputs.size(), "a stage emits to an output that it declared");
  items_.push_back({output, partition_of(key, task_->parts_.identity.partitions), key.size(),
                    event.payload.size(), event.subject, event.time});
  bytes_.insert(bytes_.end(), key.begin(), key.end());
  bytes_.insert(bytes_.end(), event.payload.begin(), event.payload.end());
}

std::uint64_t Task::EventEmitter::next_number(std::size_t output, ByteView key) const {
  const std::int32_t partition = partition_of(key, task_->parts_.identity.partitions);
  std::uint64_t number = task_->lane(output, partition).last() + 1;
  for (const Item& item : items_) {
    number += item.output == output && item.partition == partition ? 1U : 0U;
  }
  return number;
}

void Task::EventEmitter::discard() noexcept {
  items_.clear();
  bytes_.clear();
}

void Task::EventEmitter::publish(const Origin& cause) {
  std::size_t at = 0;
  for (const Item& item : items_) {
    const ByteView key = ByteView(bytes_).subspan(at, item.key_bytes);
    const ByteView payload = ByteView(bytes_).subspan(at + item.key_bytes, item.payload_bytes);
    at += item.key_bytes + item.payload_bytes;
    const EventHeader header{static_cast<std::uint32_t>(payload.size()), cause.index, cause.offset,
                             item.time, item.subject};
    task_->publish(item.output, item.partition, key, header, payload);
  }
  discard();
}

void Task::publish(std::size_t output, std::int32_t partition, ByteView key,
                   const EventHeader& header, ByteView payload) {
  Lane& out = lane(output, partition);
  if (out.sequence == nullptr) {
    out.sequence = &registers_.outputs[{static_cast<std::uint16_t>(output), partition}];
  }
  FrameBuilder& builder = out.builder;
  builder.add(header, payload, *out.sequence);
  const bool is_single = output < parts_.spec.outputs.size() &&
                         parts_.spec.outputs[output].shape == RecordShape::single;
  if (is_single) {
    builder.clear();  // it only kept the running hash
    send_output(output, partition, to_bytes(key), to_bytes(payload));
  } else {
    collected_bytes_ += kEventHeaderBytes + payload.size();
    if (builder.bytes() >= parts_.options.frame_bytes_max) {
      flush(output, partition);
    }
  }
}

void Task::flush(std::size_t output, std::int32_t partition) {
  FrameBuilder& builder = lane(output, partition).builder;
  collected_bytes_ -= builder.bytes() - kFrameHeaderBytes - kFrameChecksumBytes;
  send_output(output, partition, {},
              builder.cut(parts_.identity.lineage, {parts_.spec.number, parts_.partition},
                          parts_.identity.topic_ids.front(), parts_.partition));
}

// R23: while a record is processed, what it causes is only collected.
void Task::send_output(std::size_t output, std::int32_t partition, Bytes key, Bytes value) {
  if (processing_) {
    ready_.push_back({output, partition, std::move(key), std::move(value)});
    return;
  }
  ++unacknowledged_[interval_ & 1U];
  unacknowledged_bytes_ += value.size();
  parts_.outbox->send(*this, parts_.topics.outputs[output], partition, std::move(key),
                      std::move(value), interval_);
}

void Task::hand_over() {
  for (Ready& ready : ready_) {
    send_output(ready.output, ready.partition, std::move(ready.key), std::move(ready.value));
  }
  ready_.clear();
}

// While a frame is on its way to a partition, the next one grows (see Outbox).
void Task::flush_open() {
  for_each_frame([&](std::size_t output, std::int32_t partition) {
    if (parts_.outbox->is_open(parts_.topics.outputs[output], partition)) {
      flush(output, partition);
    }
  });
}

void Task::flush_all() {
  for_each_frame([&](std::size_t output, std::int32_t partition) { flush(output, partition); });
}

template <class Taker>
void Task::for_each_frame(Taker&& taker) {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (!lanes_[i].builder.empty()) {
      const auto partitions = static_cast<std::size_t>(parts_.identity.partitions);
      taker(i / partitions, static_cast<std::int32_t>(i % partitions));
    }
  }
}

void Task::send_tick() {
  last_tick_ms_ = now_ms_;
  Bytes tick = make_tick();
  unacknowledged_bytes_ += tick.size();
  parts_.outbox->send(*this, parts_.topics.input, parts_.partition, {}, std::move(tick), kTagTick);
}

// ---- receiving

void Task::on_input(const LogRecord& record) {
  if (phase_ != Phase::running || record.offset < registers_.position) {
    return;
  }
  check(!waiting_, "no input comes while a record waits");
  if (record.offset > registers_.position) {
    hold("the input has a hole: offset " + std::to_string(record.offset) + " came after " +
         std::to_string(registers_.position - 1));
    return;
  }
  const OperatorAnswer* wanted = re_emitting_ ? nullptr : wanted_override(record.offset);
  if (wanted != nullptr) {
    keep_waiting(record);
    begin_admission(*wanted);
    return;
  }
  process_noted(record);
}

// R22, R23: what two people decided of it comes first; a record that has killed the process so
// often holds its task, and the others run.
void Task::process_noted(const LogRecord& record) {
  const Override* override = overrides_.find(record.offset);
  if (override != nullptr && override->action == OverrideAction::skip) {
    process_overridden(record, *override);
    return;
  }
  if (override != nullptr && override->action == OverrideAction::switch_logic) {
    if (override->to.version > parts_.spec.logic.version) {
      switch_to_ = override->to;
      stop_at_switch();
      return;
    }
    override = nullptr;  // a build of that logic takes the record as any other
  }
  if (note_ == nullptr) {
    override != nullptr ? process_overridden(record, *override) : process(record);
    return;
  }
  if (const std::uint32_t deaths = note_->deaths_at(record.offset); deaths >= kDeathsMost) {
    hold("the process died " + std::to_string(deaths) + " times with the record at input offset " +
         std::to_string(record.offset) + " in hand: another build may be able to process it" +
         (override_refused_.empty() ? "" : "; " + override_refused_));
    return;
  }
  std::unique_lock<std::mutex> trial;
  if (note_->deaths_at(record.offset) > 0 && !KPAY_PLANT(suspects_together)) {
    trial = std::unique_lock(parts_.options.notes->trial());  // BEFORE it is noted
  }
  note_->begin(record.offset);
  override != nullptr ? process_overridden(record, *override) : process(record);
  note_->end(record.offset);
}

void Task::process(const LogRecord& record) {
  last_input_ms_ = now_ms_;
  const bool frame_shaped = parts_.spec.input_shape == RecordShape::frame;
  const bool tick = is_tick(record.value);
  Timestamp latest = record.appended;
  const bool readable = !frame_shaped || tick || read_frame(record.value, frame_);
  if (frame_shaped && !tick) {
    if (!readable && !skipping_) {
      hold("the record at input offset " + std::to_string(record.offset) +
           " has a header that can't be read, so its events can't be counted");
      return;
    }
    latest = {};
    for (const Frame::Item& item : frame_.events) {
      latest = std::max(latest, time_of(item));
    }
  }
  if (!skipping_ && time_jumps(latest)) {
    keep_waiting(record);
    reason_ = "time jumps from " + to_rfc3339(registers_.now) + " to " + to_rfc3339(latest) +
              ": waits until an operator acknowledges it";
    tell(TaskNotice::Kind::time_jump, reason_);
    return;
  }
  processing_ = true;
  if (tick) {
    process_tick(record);
  } else if (!readable) {
    dead_letter({{parts_.identity.topic_ids.front(), parts_.partition, record.offset, 0},
                 record.appended,
                 record.appended,
                 {},
                 record.value},
                kReasonSkipped);
  } else if (frame_shaped) {
    process_frame(record);
  } else {
    process_single(record);
  }
  processing_ = false;
  hand_over();
  turn_events_ += frame_shaped && !tick ? frame_.events.size() : 1;
  ++counters_.records;
  real_records_ += tick ? 0 : 1;
  registers_.position = record.offset + 1;
  if (KPAY_PLANT(position_not_moved_by_ticks) && tick) {
    registers_.position = record.offset;
  }
  if (re_emitting_ && registers_.position == last_marker_.registers.position) {
    end_re_emission();
  }
  if (switch_to_) {
    stop_at_switch();
  }
}

// R21: whatever lies behind the record, read ahead or not, is for another build.
void Task::stop_at_switch() {
  KPAY_FAILPOINT(at_switch, parts_.outbox->turn(now_ms_));
  phase_ = Phase::stopping;
  parts_.port->stop_input();
}

bool Task::time_jumps(Timestamp to) const {
  return registers_.now.ms != 0 && to > time_acknowledged_ &&
         to.ms - registers_.now.ms > parts_.options.time_jump_ms_max;
}

void Task::acknowledge_time() {
  if (!waiting_ || admission_ || phase_ != Phase::running) {
    return;
  }
  time_acknowledged_ = {std::numeric_limits<std::int64_t>::max()};
  const LogRecord record = *waiting_;
  waiting_.reset();
  reason_.clear();
  process_noted(record);
  time_acknowledged_ = registers_.now;
}

void Task::process_tick(const LogRecord& record) {
  if (skipping_) {
    return;
  }
  registers_.now = KPAY_PLANT(wall_clock_in_ticks) ? wall_clock_now()
                                                   : std::max(registers_.now, record.appended);
  stage_->tick(registers_.now, *emitter_);
  emitter_->publish({parts_.identity.topic_ids.front(), parts_.partition, record.offset, 0});
}

void Task::process_single(const LogRecord& record) {
  const Origin origin{parts_.identity.topic_ids.front(), parts_.partition, record.offset, 0};
  move_now(record.appended);
  apply_event({origin, record.appended, record.appended, {}, record.value});
}

void Task::process_frame(const LogRecord& record) {
  const Origin place{parts_.identity.topic_ids.front(), parts_.partition, record.offset, 0};
  const Event whole{place, record.appended, record.appended, {}, record.value};
  if (frame_.lineage != parts_.identity.lineage) {
    dead_letter(whole, kReasonForeignLineage);
    return;
  }
  const std::vector<std::uint16_t>& senders = parts_.spec.senders;
  const SenderId sender = frame_.sender;
  if (std::find(senders.begin(), senders.end(), sender.stage) == senders.end() ||
      sender.partition < 0 || sender.partition >= parts_.identity.partitions) {
    dead_letter(whole, kReasonUnknownSender);
    return;
  }
  SenderState& state = registers_.senders[sender];
  const std::size_t count = frame_.events.size();
  if (state.refused) {
    counters_.discarded += count;
    return;
  }
  if (KPAY_PLANT(skip_replay_drop) && frame_.first <= state.seen.last) {
    state.seen = {frame_.first - 1, frame_.before};
  }
  if (KPAY_PLANT(accept_gap) && frame_.first > state.seen.last + 1) {
    state.seen = {frame_.first - 1, frame_.before};
  }
  if (frame_.last() <= state.seen.last) {
    counters_.replayed += count;
    return;
  }
  if (frame_.first > state.seen.last + 1) {
    counters_.early += count;
    counters_.gap = EarlyGap{sender, state.seen.last + 1, frame_.first - 1};
    tell(TaskNotice::Kind::early, "stage " + std::to_string(sender.stage) + " partition " +
                                      std::to_string(sender.partition) + ": " +
                                      std::to_string(frame_.first) + " came before " +
                                      std::to_string(state.seen.last + 1));
    return;
  }
  apply_new_events(record, static_cast<std::size_t>(state.seen.last + 1 - frame_.first), state);
}

// R8: the running hash up to the last known number must be the one that is kept; else the sender
// has told this task something else before, and nothing of it is applied.
void Task::apply_new_events(const LogRecord& record, std::size_t first_new, SenderState& state) {
  Hash128 hash = frame_.before;
  for (std::size_t i = 0; i < first_new; ++i) {
    hash = chain_event(hash, frame_.events[i].header_bytes, frame_.events[i].payload);
  }
  if (hash != state.seen.hash && !KPAY_PLANT(ignore_hash)) {
    state.refused = true;
    counters_.discarded += frame_.events.size();
    tell(TaskNotice::Kind::diverged, "stage " + std::to_string(frame_.sender.stage) +
                                         " partition " + std::to_string(frame_.sender.partition) +
                                         " at number " + std::to_string(state.seen.last + 1));
    return;
  }
  counters_.replayed += first_new;
  if (counters_.gap && counters_.gap->sender == frame_.sender &&
      counters_.gap->to <= frame_.last()) {
    counters_.gap.reset();
  }
  for (std::size_t i = first_new; i < frame_.events.size(); ++i) {
    const Frame::Item& item = frame_.events[i];
    const Origin origin{parts_.identity.topic_ids.front(), parts_.partition, record.offset,
                        static_cast<std::uint32_t>(i)};
    move_now(time_of(item));
    apply_event({origin, KPAY_PLANT(append_time_as_event_time) ? record.appended : time_of(item),
                 record.appended, item.header.subject, item.payload});
    ++state.seen.last;
    state.seen.hash = chain_event(state.seen.hash, item.header_bytes, item.payload);
  }
}

// An override may say when it was; what is skipped tells nothing of the time.
Timestamp Task::time_of(const Frame::Item& item) const {
  return time_said_.value_or(item.header.time);
}

void Task::move_now(Timestamp to) {
  if (!skipping_) {
    registers_.now = KPAY_PLANT(clock_goes_back) ? to : std::max(registers_.now, to);
  }
}

void Task::apply_event(const Event& event) {
  if (skipping_) {
    dead_letter(event, kReasonSkipped);
    return;
  }
  if (is_operator_record(event.payload)) {
    if (const std::optional<OperatorRecord> record = decode_operator_record(event.payload)) {
      take_operator_record(event, *record);
      return;
    }
  }
  if (const std::optional<DeadLetterReason> refused = judge(event)) {
    emitter_->discard();
    dead_letter(event, *refused);
    return;
  }
  emitter_->publish(event.origin);
}

// Lets the stage apply the event, if it may be one; else says why it is a dead letter.
std::optional<DeadLetterReason> Task::judge(const Event& event) {
  if (parts_.spec.input_shape == RecordShape::single) {
    if (event.payload.empty()) {
      return kReasonEmptyRecord;
    }
    if (is_runtime_record(event.payload)) {
      return kReasonUnknownSender;
    }
  }
  if (parts_.spec.event_bytes_max != 0 && event.payload.size() > parts_.spec.event_bytes_max) {
    return kReasonTooLarge;
  }
  ++counters_.events;
  return stage_->apply(event, registers_.now, *emitter_);
}

void Task::dead_letter(const Event& event, DeadLetterReason reason) {
  const Origin& origin = event.origin;
  const ByteView bytes = event.payload;
  DeadLetter letter;
  letter.origin = origin;
  letter.reason = reason;
  letter.bytes_total = bytes.size();
  letter.bytes_hash = hash128(bytes);
  letter.bytes = to_bytes(bytes.first(std::min(bytes.size(), kDeadLetterBytesMax)));
  if (!KPAY_PLANT(dead_letter_not_kept)) {
    dead_letters_.put({origin.offset, origin.index},
                      {reason, letter.bytes_hash, event.time, event.subject});
  }
  ++counters_.dead_letters;
  const Bytes payload = encode(letter);
  const EventHeader header{
      static_cast<std::uint32_t>(payload.size()), origin.index, origin.offset, registers_.now, {}};
  publish(parts_.spec.outputs.size(), parts_.partition, {}, header, payload);
  tell(TaskNotice::Kind::dead_letter, "offset " + std::to_string(origin.offset) + " index " +
                                          std::to_string(origin.index) + " reason " +
                                          std::to_string(reason));
}

}  // namespace kpay::stream
