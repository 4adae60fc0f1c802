#include "audit/results.h"

#include <algorithm>

namespace kpay::audit {

void Results::expect(const Place& place, const core::PaymentOutcome& outcome) {
  const Topic topic =
      outcome.status == core::PaymentStatus::completed ? Topic::confirmed : Topic::failed;
  const Uuid& id = outcome.payment.value();
  std::deque<Owed>& owed = sequence(topic, place.partition).owed;
  // At the end, but for an outcome that an operator has replayed.
  const auto at = std::find_if(owed.rbegin(), owed.rend(), [&](const Owed& each) {
    return std::pair(each.offset, each.index) < std::pair(place.offset, place.index);
  });
  owed.insert(at.base(),
              {place.offset, place.index, content_of(id, outcome.from, outcome.to, outcome.amount),
               outcome.refusal, id});
}

void Results::put_aside(const Place& place) {
  for (const Topic topic : {Topic::confirmed, Topic::failed}) {
    std::erase_if(sequence(topic, place.partition).owed, [&](const Owed& owed) {
      return owed.offset == place.offset && owed.index == place.index;
    });
  }
}

void Results::begin_late(Topic topic, std::int32_t partition) {
  sequence(topic, partition).late = true;
}

Results::Told Results::take(const Place& place, ByteView value, bool forced) {
  Sequence& told = sequence(place.topic, place.partition);
  if (codec_.decode(value, result_)) {
    findings_->add({FindingKind::result, place, {}, "a public result", "a record that is none"});
    return Told::unexpected;
  }
  const core::PaymentResult& result = result_;
  const Uuid& id = result.payment.value();
  if (result.number <= told.last) {
    ++repeats_;
    return Told::repeat;
  }
  if (!told.late && result.number > told.last + 1) {
    return Told::early;
  }
  const auto owed = std::find_if(told.owed.begin(), told.owed.end(),
                                 [&](const Owed& each) { return each.id == id; });
  const bool found = owed != told.owed.end() && (told.late || owed == told.owed.begin());
  if (!found && !forced) {
    return Told::unexpected;
  }
  told.late = false;
  told.last = result.number;
  told_[place.topic == Topic::confirmed ? 0 : 1].add(result.amount.minor);
  if (!found) {
    findings_->add({FindingKind::result, place, id,
                    told.owed.empty() ? "no result, since no outcome stands for one"
                                      : "the result of payment " + to_string(told.owed.front().id),
                    "number " + std::to_string(result.number) + " of payment " + to_string(id)});
    return Told::unexpected;
  }
  if (owed->content != content_of(id, result.from, result.to, result.amount) ||
      owed->refusal != result.refusal || result.confirmed != (place.topic == Topic::confirmed)) {
    findings_->add({FindingKind::result, place, id, "what the outcome says",
                    "another amount, account, end or reason"});
  }
  told.owed.erase(told.owed.begin(), owed + 1);
  return Told::matched;
}

void Results::pass(std::int32_t partition, std::int64_t position) {
  for (const Topic topic : {Topic::confirmed, Topic::failed}) {
    std::deque<Owed>& owed = sequence(topic, partition).owed;
    while (!owed.empty() && owed.front().offset < position) {
      if (!sequence(topic, partition).late) {
        findings_->add({FindingKind::lost,
                        {Topic::complete, partition, owed.front().offset, owed.front().index},
                        owed.front().id,
                        "a public result on " + std::string(name_of(topic)),
                        "none, and the confirmed stage is past it"});
      }
      owed.pop_front();
    }
  }
}

std::uint64_t Results::last(Topic topic, std::int32_t partition) const {
  return partitions_[static_cast<std::size_t>(partition)]
      .sequences[topic == Topic::confirmed ? 0 : 1]
      .last;
}

std::size_t Results::waiting() const noexcept {
  std::size_t count = 0;
  for (const Partition& partition : partitions_) {
    count += partition.sequences[0].owed.size() + partition.sequences[1].owed.size();
  }
  return count;
}

}  // namespace kpay::audit
