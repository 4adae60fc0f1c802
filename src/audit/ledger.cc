// Ledger: what waits, how a consequence finds it, and what a task's marker closes.
#include "audit/ledger.h"

#include <algorithm>

#include "base/hash.h"
#include "core/limits.h"

namespace kpay::audit {

Ledger::Ledger(std::int32_t partitions, Findings& findings)
    : partitions_(partitions),
      findings_(&findings),
      books_(partitions, findings),
      results_(partitions, findings) {
  for (std::vector<Entries>& topic : entries_) {
    topic.resize(static_cast<std::size_t>(partitions));
  }
  horizons_.resize(static_cast<std::size_t>(partitions));
}

Ledger::Entries* Ledger::entries_of(const Place& place) {
  const std::size_t topic = number_of(place.topic);
  return topic < entries_.size() && place.partition >= 0 && place.partition < partitions_
             ? &entries_[topic][static_cast<std::size_t>(place.partition)]
             : nullptr;
}

void Ledger::wait(const Place& place, Entry entry) {
  if (entry.holds_money()) {
    books_.of(entry.currency).between.add(entry.minor);
  }
  Entries& entries = *entries_of(place);
  entries.emplace_hint(entries.end(), Key{place.offset, place.index}, entry);
}

// ---- what comes from outside

void Ledger::take_command(const Place& place, ByteView value) {
  if (stream::is_operator_record(value) && stream::decode_operator_record(value)) {
    take_operators(place, {}, nullptr, value);
    return;
  }
  const bool legible = !value.empty() && value.size() <= core::kEventBytesMax &&
                       !stream::is_runtime_record(value) && !commands_.decode(value, command_) &&
                       partition_of(core::key_of(command_), partitions_) == place.partition;
  wait(place, legible ? entry_of(command_) : Entry{});
}

// ---- how a consequence finds what it follows from

Ledger::Origin Ledger::origin_of(const Place& place, const Cause& cause, const Uuid& subject) {
  Entries* entries = entries_of(cause.place);
  if (entries == nullptr) {
    findings_->add({FindingKind::no_origin, place, subject, "an event that its sender reads",
                    to_string(cause.place)});
    return {};
  }
  const auto found = entries->find({cause.place.offset, cause.place.index});
  if (found == entries->end() || found->second.done) {
    findings_->add({FindingKind::second, place, subject,
                    "an event at " + to_string(cause.place) + " that waits for its consequence",
                    found == entries->end() ? "none that waits there" : "it has had its own"});
    return {};
  }
  Entry& entry = found->second;
  if (entry.kind == EntryKind::operators) {
    const auto replay = replays_.find(cause.place);
    const auto letter = replay == replays_.end() ? letters_.end() : letters_.find(replay->second);
    if (letter != letters_.end() && !letter->second.entry.done) {
      return {&letter->second.entry, &entry, cause.place, letter->first};
    }
  }
  return {&entry, &entry, cause.place, {}};
}

// The money leaves the event that waited, and goes to its account when there is a posting; else
// it is in the consequence.
void Ledger::finish(const Origin& origin, std::optional<std::int64_t> delta) {
  Entry& entry = *origin.entry;
  if (entry.holds_money()) {
    CurrencyBooks& books = books_.of(entry.currency);
    core::Tally& from = origin.letter ? books.dead_letters : books.between;
    from.value -= entry.minor;
    --from.count;
  }
  entry.done = true;
  if (origin.letter) {
    const Timestamp appended = origin.posting->appended;
    *origin.posting = entry;
    origin.posting->appended = appended;  // that is when the task does it
  }
  if (delta) {
    origin.posting->posts = true;
    origin.posting->delta = *delta;
    books_.promise(*origin.posting);
  }
  if (origin.letter && letters_.at(*origin.letter).answered) {
    letters_.erase(*origin.letter);
    replays_.erase(origin.at);
  }
  if (origin.at.topic == Topic::incoming &&
      origin.at.offset < horizons_[static_cast<std::size_t>(origin.at.partition)]) {
    entries_of(origin.at)->erase({origin.at.offset, origin.at.index});
  }
}

void Ledger::misfit(const Place& place, const Uuid& subject, const Entry* cause,
                    std::string found) {
  findings_->add(
      {FindingKind::misfit, place, subject,
       cause == nullptr ? "what its topic holds" : "what follows from " + describe(*cause),
       std::move(found)});
}

bool Ledger::fits(const Place& place, const Origin& origin, const Entry& consequence,
                  const Uuid& subject, std::initializer_list<EntryKind> kinds) {
  if (origin.entry == nullptr) {
    return false;
  }
  const bool right_kind = std::find(kinds.begin(), kinds.end(), origin.entry->kind) != kinds.end();
  if (!right_kind || origin.entry->content != consequence.content ||
      origin.entry->id != consequence.id || subject != consequence.id) {
    misfit(place, subject, origin.entry, describe(consequence));
  }
  return right_kind;
}

// ---- what a marker closes

void Ledger::lost(const Place& place, const Entry& entry) {
  findings_->add({FindingKind::lost, place, entry.id, "a consequence of this " + describe(entry),
                  "none, and its task is past it"});
}

void Ledger::post_until(std::int32_t partition, std::int64_t position) {
  Entries& entries = entries_[1][static_cast<std::size_t>(partition)];
  while (!entries.empty() && entries.begin()->first.first < position &&
         entries.begin()->second.done) {
    const auto& [key, entry] = *entries.begin();
    if (entry.posts) {
      books_.post({Topic::inflight, partition, key.first, key.second}, entry);
    }
    entries.erase(entries.begin());
  }
}

void Ledger::pass(std::uint16_t stage, std::int32_t partition, std::int64_t position,
                  bool incomplete) {
  if (stage == stages::kConfirmed) {
    results_.pass(partition, position);
  }
  if (stage != stages::kIntake && stage != stages::kAccount) {
    return;
  }
  const Topic topic = input_of(stage);
  Entries& entries = entries_[number_of(topic)][static_cast<std::size_t>(partition)];
  while (!entries.empty() && entries.begin()->first.first < position) {
    const auto [key, entry] = *entries.begin();
    const Place place{topic, partition, key.first, key.second};
    if (entry.done) {
      if (entry.posts && stage == stages::kAccount) {
        books_.post(place, entry);
      }
    } else if (entry.kind == EntryKind::operators) {
      pass_operators(place, stage);
    } else if (stage == stages::kIntake && entry.kind != EntryKind::other && !incomplete) {
      ++duplicates_;  // intake knows the id, and says nothing a second time
    } else {
      lost(place, entry);
    }
    entries.erase(entries.begin());
  }
  std::erase_if(foreign_, [&](const Place& place) {
    return place.topic == topic && place.partition == partition && place.offset < position;
  });
}

std::size_t Ledger::waiting() const noexcept {
  std::size_t count = 0;
  for (const std::vector<Entries>& topic : entries_) {
    for (const Entries& partition : topic) {
      count += partition.size();
    }
  }
  return count;
}

}  // namespace kpay::audit
