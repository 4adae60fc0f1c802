// Auditor: rounds, by which absence is proven.
#include <algorithm>

#include "audit/auditor.h"
#include "base/check.h"

namespace kpay::audit {

namespace {

/// Rounds without any progress after which what waits in a circle is taken.
constexpr std::uint64_t kStillRoundsMax = 2;

}  // namespace

void Auditor::begin_round(Offsets ends, Timestamp asked) {
  check(!round_open_, "one round at a time");
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    for (std::size_t p = 0; p < tracks_[topic].size(); ++p) {
      tracks_[topic][p].end = std::max(tracks_[topic][p].end, ends[topic][p]);
    }
  }
  round_open_ = true;
  round_asked_ = asked;
}

std::uint64_t Auditor::progress() const { return counts_.records + counts_.markers; }

// What the log had when the ends were asked is here, once everything was read up to them. What came
// before they were asked and waits for what isn't here waits for nothing.
void Auditor::finish_round() {
  for (std::size_t topic = 0; topic < kTopics; ++topic) {
    for (std::size_t p = 0; p < tracks_[topic].size(); ++p) {
      const bool full = !wants(static_cast<Topic>(topic), static_cast<std::int32_t>(p));
      if (tracks_[topic][p].pushed < tracks_[topic][p].end && !full) {
        return;
      }
    }
  }
  round_open_ = false;
  while (force_one()) {
    settle();
  }
  still_rounds_ = progress() == progress_before_ ? still_rounds_ + 1 : 0;
  if (still_rounds_ > kStillRoundsMax) {
    force_oldest();
    settle();
  }
  progress_before_ = progress();
  check_sums();
  if (behind() == 0) {
    as_of_ = round_asked_;
  }
}

void Auditor::check_sums() {
  for (const auto& [currency, books] : ledger_.books().currencies()) {
    if (!books.conserved() && wrong_sums_.insert(currency).second) {
      findings_.add({FindingKind::sum,
                     {Topic::inflight, 0, track(Topic::inflight, 0).position, 0},
                     {},
                     to_string(books.outside()) + " " + std::string(currency.text()) +
                         " (minor units) have come in",
                     to_string(books.inside()) + " are there"});
    }
  }
}

// True when something was taken that waited for what doesn't exist.
bool Auditor::force_one() {
  for (std::int32_t p = 0; p < setup_.partitions; ++p) {
    for (std::size_t number = 0; number < kEventTopics; ++number) {
      const auto topic = static_cast<Topic>(number);
      Track& track = this->track(topic, p);
      if (!track.held.empty() && is_culprit(topic, p, track.held.front()) &&
          try_take(topic, p, track.held.front(), true)) {
        pop(track);
        return true;
      }
    }
  }
  for (std::int32_t p = 0; p < setup_.partitions; ++p) {
    for (std::uint16_t stage = 1; stage <= kStages; ++stage) {
      if (force_marker(stage, p)) {
        return true;
      }
    }
  }
  return false;
}

bool Auditor::is_culprit(Topic topic, std::int32_t partition, const Held& held) const {
  if (held.round >= round_) {
    return false;
  }
  if (held.need) {
    const Track& needed = track(held.need->topic, held.need->partition);
    return needed.pushed <= held.need->offset && needed.pushed >= needed.end;
  }
  return (topic == Topic::confirmed || topic == Topic::failed) &&
         track(Topic::complete, partition).held.empty() &&
         track(Topic::letters, partition).held.empty();
}

// A marker counts what isn't in the log, though it was there before the marker was (R15).
bool Auditor::force_marker(std::uint16_t stage, std::int32_t partition) {
  Log& log = this->log(stage, partition);
  if (log.markers.empty() || log.markers.front().round >= round_) {
    return false;
  }
  const std::vector<Missing> missing = this->missing(stage, partition, log.markers.front().marker);
  for (const Missing& each : missing) {
    if (!track(each.topic, each.partition).held.empty()) {
      return false;  // that one goes first
    }
  }
  for (const Missing& each : missing) {
    const bool input =
        each.topic == input_of(stage) && each.partition == partition &&
        each.there == static_cast<std::uint64_t>(track(each.topic, each.partition).position);
    const std::string name = std::string(stage_name(stage)) + "/" + std::to_string(partition);
    findings_.add({FindingKind::dropped,
                   {each.topic, each.partition, track(each.topic, each.partition).position, 0},
                   {},
                   input ? "records up to offset " + std::to_string(each.counted - 1) + ", which " +
                               name + " has read"
                         : "events up to number " + std::to_string(each.counted) + ", which " +
                               name + " has sent",
                   input ? "the log ends at " + std::to_string(each.there)
                         : "the log has them up to number " + std::to_string(each.there)});
  }
  take_marker(stage, partition, true);
  return true;
}

void Auditor::force_oldest() {
  Track* oldest = nullptr;
  Topic of{};
  for (std::size_t number = 0; number < kEventTopics; ++number) {
    for (Track& each : tracks_[number]) {
      if (!each.held.empty() && each.held.front().round < round_ &&
          (oldest == nullptr || each.held.front().appended < oldest->held.front().appended)) {
        oldest = &each;
        of = static_cast<Topic>(number);
      }
    }
  }
  if (oldest == nullptr) {
    return;
  }
  const auto partition = static_cast<std::int32_t>(oldest - tracks_[number_of(of)].data());
  if (try_take(of, partition, oldest->held.front(), true)) {
    pop(*oldest);
  }
}

}  // namespace kpay::audit
