// Task: operators' records (R8, R12, R21, R24). A task acts on those that name it, and hands on
// those that name a task which reads one of its outputs.
#include <algorithm>

#include "base/plant.h"
#include "stream/task_parts.h"

namespace kpay::stream {

void Task::take_operator_record(const Event& event, const OperatorRecord& record) {
  if (record.lineage != parts_.identity.lineage && !KPAY_PLANT(operator_of_any_lineage)) {
    dead_letter(event, kReasonForeignLineage);
    return;
  }
  if (reads_from_outside() && !is_signed(event, record)) {
    answer(event, record, {OperatorVerdict::not_signed, 0});
  } else if (std::holds_alternative<OverrideInput>(record.what)) {
    admit_by_answer(event, record);
  } else if (record.topic_id != parts_.identity.topic_ids.front()) {
    hand_on(event, record);
  } else if (record.stage != parts_.spec.number) {
    return;  // for another stage that reads the same topic
  } else if (record.partition != parts_.partition) {
    dead_letter(event, kReasonMisdirected);
  } else {
    answer(event, record, act_on(event, record));
  }
}

// R23: the task that it is for stands before a record and can't come to this one. That this task
// has read it and found it signed is what the owner there goes by.
void Task::admit_by_answer(const Event& event, const OperatorRecord& record) {
  if (reads_from_outside()) {
    answer(event, record, {OperatorVerdict::done, 0});
  } else {
    dead_letter(event, kReasonMisdirected);
  }
}

// Only from where operators write: else a record could go round for ever.
void Task::hand_on(const Event& event, const OperatorRecord& record) {
  const std::vector<Uuid>& ids = parts_.identity.topic_ids;
  const auto outputs = ids.begin() + 2;  // after input and changelog
  const auto end = outputs + static_cast<std::ptrdiff_t>(parts_.spec.outputs.size());
  const auto found = std::find(outputs, end, record.topic_id);
  if (!reads_from_outside() || found == end || record.partition < 0 ||
      record.partition >= parts_.identity.partitions) {
    dead_letter(event, kReasonMisdirected);
    return;
  }
  const EventHeader header{static_cast<std::uint32_t>(event.payload.size()), event.origin.index,
                           event.origin.offset, event.time, record.id};
  const auto output = static_cast<std::size_t>(found - outputs);
  publish(output, record.partition, {}, header, event.payload);
  if (std::holds_alternative<SwitchLogic>(record.what) &&
      !lane(output, record.partition).builder.empty()) {
    flush(output, record.partition);  // nothing of ours stands behind it in its frame
  }
}

Task::OperatorResult Task::act_on(const Event& event, const OperatorRecord& record) {
  if (const auto* accept = std::get_if<AcceptSender>(&record.what)) {
    return {accept_sender(*accept), 0};
  }
  if (const auto* enrol = std::get_if<EnrolKey>(&record.what)) {
    return {enrol_key(*enrol), 0};
  }
  if (const auto* revoke = std::get_if<RevokeKey>(&record.what)) {
    return {revoke_key(*revoke), 0};
  }
  if (const auto* change = std::get_if<SwitchLogic>(&record.what)) {
    return {switch_logic(*change), 0};
  }
  check(letter_of(record) != nullptr, "what is left is about a dead letter");
  const LetterKey& key = *letter_of(record);
  const OpenLetter* letter = dead_letters_.find(key);
  if (letter == nullptr) {
    return {OperatorVerdict::not_open, 0};
  }
  if (const auto* replay = std::get_if<ReplayLetter>(&record.what)) {
    return replay_letter(event, *replay, *letter);
  }
  const auto* discard = std::get_if<DiscardLetter>(&record.what);
  const Hash128& named =
      discard != nullptr ? discard->bytes_hash : std::get<MovedLetter>(record.what).bytes_hash;
  if (named != letter->bytes_hash && !KPAY_PLANT(letter_of_other_bytes_closed)) {
    return {OperatorVerdict::other_bytes, 0};
  }
  if (!KPAY_PLANT(closed_letter_stays_open)) {
    dead_letters_.erase(key);
  }
  return {OperatorVerdict::done, 0};
}

// The event is the one that was put aside: its place, its time and its subject are those it had.
// What follows from it has the operator's record as its cause.
Task::OperatorResult Task::replay_letter(const Event& by, const ReplayLetter& replay,
                                         const OpenLetter& letter) {
  if (hash128(replay.bytes) != letter.bytes_hash && !KPAY_PLANT(other_bytes_replayed)) {
    return {OperatorVerdict::other_bytes, 0};
  }
  const LetterKey key = replay.letter;
  const Origin origin{parts_.identity.topic_ids.front(), parts_.partition, key.offset, key.index};
  const std::optional<DeadLetterReason> refused =
      judge({origin, letter.time, by.appended, letter.subject, replay.bytes});
  if (!refused) {
    emitter_->publish(by.origin);
    dead_letters_.erase(key);
    return {OperatorVerdict::done, 0};
  }
  emitter_->discard();
  if (*refused != letter.reason) {
    dead_letters_.change(key).reason = *refused;
  }
  return {OperatorVerdict::failed_again, *refused};
}

// R8: never back behind what is applied, or it would be applied once more.
OperatorVerdict Task::accept_sender(const AcceptSender& accept) {
  const auto found = registers_.senders.find(accept.sender);
  if (found == registers_.senders.end() || !found->second.refused) {
    return OperatorVerdict::not_refused;
  }
  if (accept.seen.last < found->second.seen.last) {
    return OperatorVerdict::going_back;
  }
  found->second = {KPAY_PLANT(accepted_from_its_beginning) ? Sequence{} : accept.seen, false};
  return OperatorVerdict::done;
}

// Checked where such records come in: those behind trust what this task hands on (decision 0009).
bool Task::is_signed(const Event& event, const OperatorRecord& record) const {
  const std::size_t wanted = std::min(signatures_wanted(record), operator_keys_.size());
  const ByteView message = signed_part(event.payload);
  std::vector<PublicKey> signers;
  for (const OperatorSignature& each : record.signatures) {
    if (operator_keys_.find(each.key) != nullptr &&
        (std::find(signers.begin(), signers.end(), each.key) == signers.end() ||
         KPAY_PLANT(one_person_signs_twice)) &&
        (is_signed_by(each.key, message, each.signature) || KPAY_PLANT(signature_unverified))) {
      signers.push_back(each.key);
    }
  }
  return signers.size() >= wanted || KPAY_PLANT(unsigned_record_obeyed);
}

OperatorVerdict Task::enrol_key(const EnrolKey& enrol) {
  if (!reads_from_outside()) {
    return OperatorVerdict::not_here;
  }
  if (revoked_keys_.find(enrol.key) != nullptr && !KPAY_PLANT(revoked_key_enrolled_again)) {
    return OperatorVerdict::was_revoked;
  }
  operator_keys_.put(enrol.key, {enrol.owner, registers_.now});
  return OperatorVerdict::done;
}

OperatorVerdict Task::revoke_key(const RevokeKey& revoke) {
  if (!reads_from_outside()) {
    return OperatorVerdict::not_here;
  }
  const OperatorKey* known = operator_keys_.find(revoke.key);
  if (known == nullptr) {
    return OperatorVerdict::unknown_key;
  }
  if (operator_keys_.size() == 1 && !KPAY_PLANT(last_key_revoked)) {
    return OperatorVerdict::last_key;
  }
  revoked_keys_.put(revoke.key, {known->owner, registers_.now});
  if (!KPAY_PLANT(revoked_key_counts)) {
    operator_keys_.erase(revoke.key);
  }
  return OperatorVerdict::done;
}

// R21: one version after the other, since a version reads what its predecessor wrote, and no more.
OperatorVerdict Task::switch_logic(const SwitchLogic& change) {
  const Logic& now = switch_to_ ? *switch_to_ : parts_.spec.logic;
  if (change.to == now || change.to.version < now.version) {
    return OperatorVerdict::already_switched;
  }
  if (switch_to_ || change.to.version != now.version + 1) {
    return OperatorVerdict::not_next;
  }
  if (!KPAY_PLANT(switch_ignored)) {
    switch_to_ = change.to;
  }
  return OperatorVerdict::done;
}

void Task::answer(const Event& event, const OperatorRecord& record, const OperatorResult& result) {
  const Bytes payload = encode(OperatorAnswer{result.verdict, result.reason, event.origin, record});
  const EventHeader header{static_cast<std::uint32_t>(payload.size()), event.origin.index,
                           event.origin.offset, registers_.now, record.id};
  publish(parts_.spec.outputs.size(), parts_.partition, {}, header, payload);
  tell(TaskNotice::Kind::operator_record, std::string(verb_of(record)) + " by " + record.author +
                                              " (" + record.reason +
                                              "): " + std::string(to_string(result.verdict)));
}

}  // namespace kpay::stream
