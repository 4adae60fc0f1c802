// Replica: what operators ask of a task, read once more from R8, R12 and R24.
#include <set>

#include "sim/replica.h"

namespace kpay::sim {

using stream::OperatorVerdict;

std::size_t Replica::good_signatures(const stream::Event& event,
                                     const stream::OperatorRecord& record) const {
  std::set<std::string> people;
  for (const stream::OperatorSignature& each : record.signatures) {
    if (keys_.find(each.key) != nullptr &&
        is_signed_by(each.key, stream::signed_part(event.payload), each.signature)) {
      people.insert(to_string(each.key));
    }
  }
  return people.size();
}

void Replica::obey(const stream::Event& event, const stream::OperatorRecord& record) {
  const auto answer = [&](OperatorVerdict verdict, stream::DeadLetterReason reason) {
    const Bytes payload =
        stream::encode(stream::OperatorAnswer{verdict, reason, event.origin, record});
    publish(spec_.outputs.size(), partition_, event.origin, {record.id, registers_.now, payload});
  };
  if (record.lineage != identity_.lineage) {
    bury(event, stream::kReasonForeignLineage);
    return;
  }
  const std::size_t wanted = std::min(stream::signatures_wanted(record), keys_.size());
  if (from_outside() && good_signatures(event, record) < wanted) {
    answer(OperatorVerdict::not_signed, 0);
    return;
  }
  const bool exists = record.partition >= 0 && record.partition < identity_.partitions;
  if (record.topic_id != identity_.topic_ids[0]) {
    for (std::size_t i = 0; from_outside() && exists && i < spec_.outputs.size(); ++i) {
      if (identity_.topic_ids[i + 2] == record.topic_id) {
        publish(i, record.partition, event.origin, {record.id, event.time, event.payload});
        return;
      }
    }
    bury(event, stream::kReasonMisdirected);
  } else if (record.stage == spec_.number) {
    if (record.partition != partition_) {
      bury(event, stream::kReasonMisdirected);
      return;
    }
    const auto [verdict, reason] = act(event, record);
    answer(verdict, reason);
  }
}

Replica::Verdict Replica::accept(const stream::AcceptSender& accept) {
  const auto sender = registers_.senders.find(accept.sender);
  if (sender == registers_.senders.end() || !sender->second.refused) {
    return {OperatorVerdict::not_refused, 0};
  }
  if (accept.seen.last < sender->second.seen.last) {
    return {OperatorVerdict::going_back, 0};
  }
  sender->second = {accept.seen, false};
  return {OperatorVerdict::done, 0};
}

Replica::Verdict Replica::enrol(const stream::EnrolKey& enrol) {
  if (!from_outside()) {
    return {OperatorVerdict::not_here, 0};
  }
  if (revoked_.find(enrol.key) != nullptr) {
    return {OperatorVerdict::was_revoked, 0};
  }
  keys_.put(enrol.key, {enrol.owner, registers_.now});
  return {OperatorVerdict::done, 0};
}

Replica::Verdict Replica::revoke(const stream::RevokeKey& revoke) {
  const stream::OperatorKey* known = from_outside() ? keys_.find(revoke.key) : nullptr;
  if (known == nullptr) {
    return {from_outside() ? OperatorVerdict::unknown_key : OperatorVerdict::not_here, 0};
  }
  if (keys_.size() < 2) {
    return {OperatorVerdict::last_key, 0};
  }
  revoked_.put(revoke.key, {known->owner, registers_.now});
  keys_.erase(revoke.key);
  return {OperatorVerdict::done, 0};
}

Replica::Verdict Replica::act(const stream::Event& event, const stream::OperatorRecord& record) {
  if (const auto* what = std::get_if<stream::AcceptSender>(&record.what)) {
    return accept(*what);
  }
  if (const auto* what = std::get_if<stream::EnrolKey>(&record.what)) {
    return enrol(*what);
  }
  if (const auto* what = std::get_if<stream::RevokeKey>(&record.what)) {
    return revoke(*what);
  }
  const stream::LetterKey place = *stream::letter_of(record);
  const stream::OpenLetter* open = letters_.find(place);
  if (open == nullptr) {
    return {OperatorVerdict::not_open, 0};
  }
  const auto* replay = std::get_if<stream::ReplayLetter>(&record.what);
  const auto* discard = std::get_if<stream::DiscardLetter>(&record.what);
  const Hash128 named = replay != nullptr ? hash128(replay->bytes)
                        : discard != nullptr
                            ? discard->bytes_hash
                            : std::get<stream::MovedLetter>(record.what).bytes_hash;
  if (named != open->bytes_hash) {
    return {OperatorVerdict::other_bytes, 0};
  }
  return replay != nullptr ? try_again(event, *replay, *open) : close(place);
}

Replica::Verdict Replica::close(const stream::LetterKey& place) {
  letters_.erase(place);
  return {OperatorVerdict::done, 0};
}

// The event as it was, when the record that replays it came.
Replica::Verdict Replica::try_again(const stream::Event& by, const stream::ReplayLetter& replay,
                                    const stream::OpenLetter& open) {
  const stream::LetterKey place = replay.letter;
  const stream::Event event{{identity_.topic_ids[0], partition_, place.offset, place.index},
                            open.time,
                            by.appended,
                            open.subject,
                            replay.bytes};
  const std::optional<stream::DeadLetterReason> refused = judge(event);
  if (!refused) {
    publish_collected(by.origin);
    return close(place);
  }
  collector_->items.clear();
  if (*refused != open.reason) {
    letters_.change(place).reason = *refused;
  }
  return {OperatorVerdict::failed_again, *refused};
}

}  // namespace kpay::sim
