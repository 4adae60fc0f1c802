// Auditor: frames, heard as their receivers hear them (R7 to R9).
#include "audit/auditor.h"

#include <algorithm>

namespace kpay::audit {

// The lineage is the changelogs'; letters are written by the task of the same partition.
bool Auditor::may_write(const Place& place) const {
  const stream::SenderId sender = frame_.sender;
  const bool letters = place.topic == Topic::letters;
  const std::uint16_t last = letters ? kStages : stages::kAccount;
  return frame_.lineage == *lineage_ && sender.stage >= stages::kIntake && sender.stage <= last &&
         sender.partition >= 0 && sender.partition < setup_.partitions &&
         (!letters || sender.partition == place.partition);
}

Cause Auditor::cause_of(const stream::Frame::Item& item) const {
  return {frame_.sender.stage,
          {input_of(frame_.sender.stage), frame_.sender.partition, item.header.cause_offset,
           item.header.cause_index}};
}

bool Auditor::take_frame(const Place& place, Held& held, bool forced) {
  if (held.need && track(held.need->topic, held.need->partition).position <= held.need->offset &&
      !forced) {
    return false;
  }
  if (!lineage_) {
    return false;
  }
  if (!stream::read_frame(held.value, frame_)) {
    findings_.add({FindingKind::unreadable, place, {}, "a frame", "a header that can't be read"});
    return true;
  }
  const stream::SenderId sender = frame_.sender;
  const std::string name =
      "stage " + std::to_string(sender.stage) + " partition " + std::to_string(sender.partition);
  if (!may_write(place)) {
    findings_.add({FindingKind::foreign, place, frame_.events.front().header.subject,
                   "a frame of this lineage, of a task that writes here",
                   name + ", lineage " + to_string(frame_.lineage)});
    ledger_.take_foreign(place);
    return true;
  }
  Chain& chain = chains(place.topic, place.partition)[sender];
  const Heard heard = chain.hear(frame_);
  const std::size_t count = frame_.events.size();
  const Uuid& subject =
      frame_.events[std::min(heard.altered.value_or(heard.first_new), count - 1)].header.subject;
  switch (heard.what) {
    case Hearing::refused: counts_.discarded += count; return true;
    case Hearing::early:
      counts_.early += count;
      if (is_unsent(chain, frame_.first, frame_.events.back().header.cause_offset)) {
        tell_unsent(place, subject, frame_.first, sender, chain.counted());
        return true;
      }
      chain.note_early({frame_.first, frame_.last(), frame_.events.back().header.cause_offset,
                        place.offset, held.round, subject});
      return true;
    case Hearing::diverged:
      counts_.discarded += count;
      chain.refuse();
      findings_.add({FindingKind::diverged, place, subject,
                     "number " + std::to_string(chain.last() + 1) + " of " + name +
                         " to follow from those before",
                     "another running hash"});
      return true;
    case Hearing::replay:
      counts_.replayed += count;
      if (heard.altered) {
        findings_.add({FindingKind::altered, place, subject,
                       "the same bytes again of number " +
                           std::to_string(frame_.first + *heard.altered) + " of " + name,
                       "other bytes"});
      }
      return true;
    case Hearing::fresh: break;
  }
  const std::int64_t need = frame_.events.back().header.cause_offset;
  const Topic input = input_of(sender.stage);
  if (track(input, sender.partition).position <= need && !forced) {
    held.need = Place{input, sender.partition, need, 0};
    return false;
  }
  counts_.replayed += heard.first_new;
  apply(place, held.appended, chain, heard.first_new);
  return true;
}

// The sender's last marker: it had processed that cause, and counted fewer events.
bool Auditor::is_unsent(const Chain& chain, std::uint64_t number, std::int64_t cause_offset) {
  return number > chain.counted() &&
         cause_offset < log(frame_.sender.stage, frame_.sender.partition).position;
}

void Auditor::tell_unsent(const Place& place, const Uuid& subject, std::uint64_t number,
                          stream::SenderId sender, std::uint64_t counted) {
  findings_.add({FindingKind::forged, place, subject,
                 std::string(stage_name(sender.stage)) + "/" + std::to_string(sender.partition) +
                     " has processed that cause and counts " + std::to_string(counted) +
                     " events here",
                 "number " + std::to_string(number)});
}

void Auditor::apply(const Place& place, Timestamp appended, Chain& chain, std::size_t first_new) {
  const Uuid& topic_id = setup_.input_ids[number_of(input_of(frame_.sender.stage))];
  const std::int64_t taken = track(input_of(frame_.sender.stage), frame_.sender.partition).position;
  for (std::size_t i = first_new; i < frame_.events.size(); ++i) {
    const stream::Frame::Item& item = frame_.events[i];
    const Place at{place.topic, place.partition, place.offset, static_cast<std::uint32_t>(i)};
    const Cause cause = cause_of(item);
    ++counts_.events;
    chain.take(item, place.offset);
    if (is_unsent(chain, chain.last(), item.header.cause_offset)) {
      chain.after(chain.last() - 1).front()->told = true;
      tell_unsent(at, item.header.subject, chain.last(), frame_.sender, chain.counted());
    }
    if (frame_.cause_topic != topic_id || frame_.cause_partition != frame_.sender.partition ||
        item.header.cause_offset < 0 || item.header.cause_offset >= taken) {
      findings_.add({FindingKind::no_origin, at, item.header.subject,
                     "a cause that stands in the log, on the topic that its sender reads",
                     to_string(cause.place) + ", topic " + to_string(frame_.cause_topic)});
    }
    apply_event(at, appended, cause, item);
  }
}

void Auditor::apply_event(const Place& place, Timestamp appended, const Cause& cause,
                          const stream::Frame::Item& item) {
  if (setup_.witness != nullptr) {
    setup_.witness->event(place, appended, cause, item.header, item.payload);
  }
  switch (place.topic) {
    case Topic::inflight: ledger_.take_leg(place, appended, cause, item.payload); break;
    case Topic::complete: ledger_.take_outcome(place, cause, item.payload); break;
    default: ledger_.take_letter(place, cause, item.payload); break;
  }
  if (place.topic != Topic::letters && stream::is_operator_record(item.payload)) {
    accept(place, item.payload);
  }
}

// An operator lifts the refusal of a sender: taken up where the task that reads this does (R8).
void Auditor::accept(const Place& place, ByteView payload) {
  const auto record = stream::decode_operator_record(payload);
  const auto* what = record ? std::get_if<stream::AcceptSender>(&record->what) : nullptr;
  if (what == nullptr || record->partition != place.partition ||
      record->topic_id != setup_.input_ids[number_of(place.topic)] ||
      record->stage < stages::kAccount || record->stage > kStages ||
      input_of(record->stage) != place.topic) {
    return;
  }
  const auto chain = chains(place.topic, place.partition).find(what->sender);
  if (chain != chains(place.topic, place.partition).end()) {
    chain->second.accept(what->seen);
  }
}

}  // namespace kpay::audit
