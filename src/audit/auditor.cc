// Auditor: what comes, and what is told of it.
#include "audit/auditor.h"

#include <algorithm>

#include "base/check.h"

namespace kpay::audit {

Auditor::Auditor(const Setup& setup) : setup_(setup), ledger_(setup.partitions, findings_) {
  const auto partitions = static_cast<std::size_t>(setup.partitions);
  for (std::vector<Track>& topic : tracks_) {
    topic.resize(partitions);
  }
  for (std::vector<Chains>& topic : chains_) {
    topic.resize(partitions);
  }
  for (std::vector<Log>& stage : logs_) {
    stage.resize(partitions);
  }
  ledger_.books().tell(setup.witness);
  for (std::uint16_t stage = 1; stage <= kStages; ++stage) {
    for (Log& log : logs_[stage - 1U]) {
      begin_reader(stage, log);
    }
  }
}

// Rows of accounts are compared; of the rest only that they fit their markers.
void Auditor::begin_reader(std::uint16_t stage, Log& log) {
  log.reader = stream::ChangelogReader(stage == stages::kAccount);
  log.reader.keep_base_rows(false);
}

void Auditor::begin_at(Topic topic, std::int32_t partition, std::int64_t offset) {
  Track& track = this->track(topic, partition);
  track.pushed = offset;
  if (is_changelog(topic)) {
    const auto stage = static_cast<std::uint16_t>(number_of(topic) - kEventTopics + 1U);
    Log& log = this->log(stage, partition);
    begin_reader(stage, log);
    return;
  }
  track.position = offset;
  if (offset > 0 && (topic == Topic::confirmed || topic == Topic::failed)) {
    ledger_.results().begin_late(topic, partition);
  }
}

bool Auditor::wants(Topic topic, std::int32_t partition) const {
  if (is_changelog(topic)) {
    return logs_[number_of(topic) - kEventTopics][static_cast<std::size_t>(partition)]
               .markers.size() < kHeldMarkersMax;
  }
  return track(topic, partition).bytes < kHeldBytesMax;
}

std::int64_t Auditor::next(Topic topic, std::int32_t partition) const {
  return track(topic, partition).pushed;
}

void Auditor::take(Topic topic, std::int32_t partition, const stream::LogRecord& record) {
  Track& track = this->track(topic, partition);
  check(record.offset == track.pushed, "an auditor's partitions come without holes");
  track.pushed = record.offset + 1;
  if (is_changelog(topic)) {
    take_changelog(topic, partition, record);
    return;
  }
  track.bytes += record.value.size();
  track.held.push_back({record.offset, round_, record.appended, to_bytes(record.value), {}});
}

void Auditor::take_changelog(Topic topic, std::int32_t partition, const stream::LogRecord& record) {
  const auto stage = static_cast<std::uint16_t>(number_of(topic) - kEventTopics + 1U);
  Log& log = this->log(stage, partition);
  switch (log.reader.feed(record.offset, record.value)) {
    case stream::Verdict::opened: {
      if (setup_.witness != nullptr) {
        setup_.witness->opened(stage, partition, record.offset, record.appended, log.reader.open());
      }
      const Uuid& lineage = log.reader.open().identity.lineage;
      if (!lineage_) {
        lineage_ = lineage;
      } else if (*lineage_ != lineage && record.offset >= log.told_until) {
        findings_.add({FindingKind::changelog,
                       {topic, partition, record.offset, 0},
                       {},
                       "lineage " + to_string(*lineage_),
                       "lineage " + to_string(lineage)});
      }
      break;
    }
    case stream::Verdict::checkpoint:
      if (log.reader.marker().number > log.last_number) {  // else it was taken before a restart
        log.markers.push_back({record.offset, round_, log.reader.marker(), log.reader.rows()});
      }
      break;
    case stream::Verdict::rejected:
      if (record.offset < log.told_until) {
        break;
      }
      findings_.add({FindingKind::changelog,
                     {topic, partition, record.offset, 0},
                     {},
                     "a marker that fits its rows and the one before",
                     log.reader.reason()});
      break;
    default: break;
  }
}

void Auditor::pop(Track& track) {
  track.bytes -= track.held.front().value.size();
  track.position = track.held.front().offset + 1;
  newest_ = std::max(newest_, track.held.front().appended);
  track.held.pop_front();
  ++counts_.records;
}

bool Auditor::drain(Topic topic, std::int32_t partition) {
  Track& track = this->track(topic, partition);
  bool moved = false;
  while (!track.held.empty() && try_take(topic, partition, track.held.front(), false)) {
    pop(track);
    moved = true;
  }
  return moved;
}

bool Auditor::try_take(Topic topic, std::int32_t partition, Held& held, bool forced) {
  const Place place{topic, partition, held.offset, 0};
  if (stream::is_tick(held.value)) {
    return true;
  }
  if (topic == Topic::incoming) {
    if (setup_.witness != nullptr) {
      setup_.witness->command(place, held.appended, held.value);
    }
    ledger_.take_command(place, held.value);
    return true;
  }
  if (topic == Topic::confirmed || topic == Topic::failed) {
    const Results::Told told = ledger_.results().take(place, held.value, forced);
    counts_.early += told == Results::Told::early ? 1U : 0U;
    if (setup_.witness != nullptr && told == Results::Told::matched) {
      setup_.witness->result(place, held.appended, held.value);
    }
    return forced || told != Results::Told::unexpected;
  }
  return take_frame(place, held, forced);
}

Offsets Auditor::next() const {
  Offsets offsets;
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    for (std::int32_t p = 0; p < setup_.partitions; ++p) {
      offsets[topic].push_back(next(static_cast<Topic>(topic), p));
    }
  }
  return offsets;
}

void Auditor::settle() {
  bool moved = true;
  while (moved) {
    moved = false;
    for (std::int32_t p = 0; p < setup_.partitions; ++p) {
      for (std::size_t topic = 0; topic < kEventTopics; ++topic) {
        moved = drain(static_cast<Topic>(topic), p) || moved;
      }
      for (std::uint16_t stage = 1; stage <= kStages; ++stage) {
        moved = drain_markers(stage, p) || moved;
      }
    }
  }
  if (round_open_) {
    finish_round();
  }
}

std::vector<std::int64_t> Auditor::cut(Topic topic) const {
  std::vector<std::int64_t> offsets;
  for (const Track& each : tracks_[number_of(topic)]) {
    offsets.push_back(each.position);
  }
  return offsets;
}

std::int64_t Auditor::behind() const {
  std::int64_t behind = 0;
  for (std::size_t topic = 0; topic < kEventTopics; ++topic) {
    for (const Track& each : tracks_[topic]) {
      behind += std::max<std::int64_t>(0, each.end - each.position);
    }
  }
  return behind;
}

bool Auditor::conserved() const {
  const auto& currencies = ledger_.books().currencies();
  return findings_.total() == 0 &&
         std::all_of(currencies.begin(), currencies.end(),
                     [](const auto& each) { return each.second.conserved(); });
}

std::size_t Auditor::held_bytes() const {
  std::size_t bytes = 0;
  for (const std::vector<Track>& topic : tracks_) {
    for (const Track& each : topic) {
      bytes += each.bytes;
    }
  }
  return bytes;
}

std::size_t Auditor::chain_events() const {
  std::size_t events = 0;
  for (const std::vector<Chains>& topic : chains_) {
    for (const Chains& partition : topic) {
      for (const auto& [sender, chain] : partition) {
        events += chain.remembered();
      }
    }
  }
  return events;
}

}  // namespace kpay::audit
