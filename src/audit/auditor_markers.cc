// Auditor: markers, by which each task itself says what it has read and what it has sent (R14,
// R15).
#include "audit/auditor.h"

namespace kpay::audit {

namespace {

constexpr bool is_public(Topic topic) {
  return topic == Topic::confirmed || topic == Topic::failed;
}

// The outputs of a stage as its markers number them: its own, then letters.
std::uint16_t outputs_of(std::uint16_t stage) {
  std::uint16_t count = 0;
  while (output_of(stage, count) != Topic::letters) {
    ++count;
  }
  return count + 1U;
}

}  // namespace

std::vector<Auditor::Missing> Auditor::missing(std::uint16_t stage, std::int32_t partition,
                                               const stream::Marker& marker) {
  std::vector<Missing> list;
  const Topic input = input_of(stage);
  const std::int64_t taken = track(input, partition).position;
  if (taken < marker.registers.position) {
    list.push_back({input, partition, static_cast<std::uint64_t>(marker.registers.position),
                    static_cast<std::uint64_t>(taken)});
  }
  for (const auto& [output, counted] : marker.registers.outputs) {
    const Topic topic = output_of(stage, output.first);
    const std::int32_t to = output.second;
    if (to < 0 || to >= setup_.partitions) {
      continue;
    }
    std::uint64_t there = counted.last;
    if (is_public(topic)) {
      there = ledger_.results().last(topic, to);
    } else if (const Chain& chain = chains(topic, to)[{stage, partition}]; !chain.refused()) {
      there = chain.last();
    }
    if (there < counted.last) {
      list.push_back({topic, to, counted.last, there});
    }
  }
  return list;
}

bool Auditor::drain_markers(std::uint16_t stage, std::int32_t partition) {
  Log& log = this->log(stage, partition);
  bool moved = false;
  while (!log.markers.empty()) {
    const stream::Marker& marker = log.markers.front().marker;
    if (stage == stages::kAccount) {
      ledger_.post_until(partition, marker.registers.position);
    } else if (stage == stages::kIntake) {
      ledger_.set_horizon(partition, marker.registers.position);
    }
    if (!missing(stage, partition, marker).empty()) {
      break;
    }
    take_marker(stage, partition, false);
    moved = true;
  }
  return moved;
}

void Auditor::take_marker(std::uint16_t stage, std::int32_t partition, bool incomplete) {
  Log& log = this->log(stage, partition);
  const HeldMarker held = std::move(log.markers.front());
  log.markers.pop_front();
  const stream::Marker& marker = held.marker;
  for (std::uint16_t output = 0; output < outputs_of(stage); ++output) {
    const Topic topic = output_of(stage, output);
    for (std::int32_t to = 0; to < setup_.partitions && !is_public(topic); ++to) {
      const auto found = marker.registers.outputs.find({output, to});
      compare_chain(stage, partition, marker, topic, to,
                    found == marker.registers.outputs.end() ? stream::Sequence{} : found->second);
    }
  }
  ledger_.pass(stage, partition, marker.registers.position, incomplete);
  if (stage == stages::kAccount) {
    ledger_.books().compare(partition, held.rows,
                            log.last_number > 0 && marker.number == log.last_number + 1,
                            {changelog_of(stage), partition, held.offset, 0});
  }
  log.last_number = marker.number;
  log.position = marker.registers.position;
  log.epoch = marker.epoch;
  ++counts_.markers;
}

// What the log has of a sender, and what it has counted itself: the same, up to the marker; and
// what is beyond follows from input beyond the marker's position.
void Auditor::compare_chain(std::uint16_t stage, std::int32_t partition,
                            const stream::Marker& marker, Topic topic, std::int32_t to,
                            const stream::Sequence& counted) {
  Chains& all = chains(topic, to);
  const auto found = all.find({stage, partition});
  if (found == all.end() || found->second.refused()) {
    return;
  }
  Chain& chain = found->second;
  const std::string name = std::string(stage_name(stage)) + "/" + std::to_string(partition);
  const std::optional<Hash128> hash = chain.hash_at(counted.last);
  if (hash && *hash != counted.hash) {
    const std::vector<Chain::Sent*> tail = chain.after(counted.last - 1);
    if (!tail.empty() && !tail.front()->told) {
      tail.front()->told = true;
      findings_.add({FindingKind::forged,
                     {topic, to, tail.front()->offset, 0},
                     tail.front()->subject,
                     "number " + std::to_string(counted.last) + " as " + name + " has sent it",
                     "other events under the same numbers"});
    }
  }
  std::uint64_t number = std::max(counted.last, chain.last() - chain.after(counted.last).size());
  for (Chain::Sent* sent : chain.after(counted.last)) {
    ++number;
    if (sent->cause_offset < marker.registers.position && !sent->told) {
      sent->told = true;
      tell_unsent({topic, to, sent->offset, 0}, sent->subject, number, {stage, partition},
                  counted.last);
    }
  }
  std::erase_if(chain.early(), [&](const EarlyFrame& early) {
    const bool forged =
        early.first > counted.last && early.cause_offset < marker.registers.position;
    if (forged) {
      tell_unsent({topic, to, early.offset, 0}, early.subject, early.first, {stage, partition},
                  counted.last);
    }
    return forged;
  });
  chain.count_to(counted.last);
}

}  // namespace kpay::audit
