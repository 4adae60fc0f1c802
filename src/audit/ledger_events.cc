// Ledger: what each kind of event says, and what it may follow from.
#include "audit/ledger.h"
#include "base/hash.h"

namespace kpay::audit {

namespace {

EntryKind kind_of(core::CommandKind kind) {
  switch (kind) {
    case core::CommandKind::open_account: return EntryKind::open;
    case core::CommandKind::deposit: return EntryKind::deposit;
    case core::CommandKind::close_account: return EntryKind::close;
  }
  return EntryKind::other;
}

Entry entry_of(const core::PaymentOutcome& outcome) {
  Entry entry;
  entry.kind = EntryKind::submit;
  entry.id = outcome.payment.value();
  entry.content = content_of(entry.id, outcome.from, outcome.to, outcome.amount);
  entry.currency = outcome.amount.currency;
  entry.minor = outcome.amount.minor;
  entry.account = outcome.from;
  return entry;
}

}  // namespace

// ---- legs and forwarded commands

void Ledger::take_leg(const Place& place, Timestamp appended, const Cause& cause,
                      ByteView payload) {
  if (stream::is_operator_record(payload)) {
    take_operators(place, appended, &cause, payload);
    return;
  }
  if (legs_.decode(payload, leg_)) {
    misfit(place, {}, nullptr, "an event that can't be read");
    wait(place, {});
    return;
  }
  Entry entry = entry_of(leg_);
  entry.appended = appended;
  const Origin origin = origin_of(place, cause, entry.id);
  switch (entry.kind) {
    case EntryKind::debit:
      books_.of(entry.currency).accepted.add(entry.minor);
      if (fits(place, origin, entry, entry.id, {EntryKind::submit})) {
        finish(origin, {});
      }
      break;
    case EntryKind::credit:
      if (fits(place, origin, entry, entry.id, {EntryKind::debit})) {
        finish(origin, -origin.entry->minor);
      }
      break;
    case EntryKind::refund:
      if (fits(place, origin, entry, entry.id, {EntryKind::credit})) {
        finish(origin, {});
      }
      break;
    default:
      if (fits(place, origin, entry, entry.id, {entry.kind}) && !origin.entry->forwarded) {
        finish(origin, {});
      }
      break;
  }
  wait(place, entry);
}

// ---- outcomes

void Ledger::take_outcome(const Place& place, const Cause& cause, ByteView payload) {
  if (stream::is_operator_record(payload)) {
    take_operators(place, Timestamp{}, &cause, payload);
  } else if (outcomes_.decode(payload, outcome_)) {
    misfit(place, {}, nullptr, "an event that can't be read");
  } else if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome_)) {
    take_end(place, cause, *payment);
  } else {
    take_end(place, cause, std::get<core::CommandOutcome>(outcome_));
  }
}

void Ledger::take_end(const Place& place, const Cause& cause, const core::PaymentOutcome& outcome) {
  const Entry entry = entry_of(outcome);
  const Origin origin = origin_of(place, cause, entry.id);
  const bool completed = outcome.status == core::PaymentStatus::completed;
  const bool rejected = outcome.status == core::PaymentStatus::rejected;
  bool right = false;
  if (completed) {
    right = fits(place, origin, entry, entry.id, {EntryKind::credit});
  } else if (outcome.opened) {
    right = fits(place, origin, entry, entry.id, {EntryKind::debit, EntryKind::refund});
  } else {
    right = fits(place, origin, entry, entry.id, {EntryKind::submit});
  }
  CurrencyBooks& books = books_.of(core::counted_currency(entry.currency));
  const std::int64_t value = core::counted_value(outcome.amount);
  if (!rejected) {
    (completed ? books.completed : outcome.opened ? books.failed : books.refused).add(value);
    results_.expect(place, outcome);
  }
  if (!right) {
    return;
  }
  const bool refunds = origin.entry->kind == EntryKind::refund;
  if (refunds) {
    books.refunded.add(value);
  }
  const std::int64_t minor = origin.entry->minor;
  finish(origin, completed || refunds ? std::optional(minor) : std::nullopt);
}

void Ledger::take_end(const Place& place, const Cause& cause, const core::CommandOutcome& outcome) {
  const Uuid& id = outcome.command.value();
  const Origin origin = origin_of(place, cause, id);
  if (origin.entry == nullptr) {
    return;
  }
  const Entry& entry = *origin.entry;
  const bool done = outcome.status == core::CommandStatus::done;
  if (entry.kind != kind_of(outcome.kind) || entry.id != id || entry.account != outcome.account ||
      (done && !entry.forwarded)) {
    misfit(place, id, &entry,
           "the outcome of command " + to_string(id) + " on account " +
               std::string(outcome.account.text()));
    return;
  }
  const bool posts = done && entry.kind != EntryKind::close;
  finish(origin, posts ? std::optional(entry.minor) : std::nullopt);
}

// ---- dead letters, and what operators do about them (R24)

void Ledger::take_letter(const Place& place, const Cause& cause, ByteView payload) {
  if (const auto letter = stream::decode_dead_letter(payload)) {
    put_aside(place, cause, *letter);
  } else if (const auto answer = stream::decode_operator_answer(payload)) {
    answered(cause, *answer);
  } else {
    misfit(place, {}, nullptr, "neither a dead letter nor an operator's answer");
  }
}

void Ledger::put_aside(const Place& place, const Cause& cause, const stream::DeadLetter& letter) {
  const LetterId id{cause.stage, cause.place};
  const Place said{cause.place.topic, letter.origin.partition, letter.origin.offset,
                   letter.origin.index};
  if (said != cause.place || letters_.contains(id)) {
    misfit(place, {}, nullptr, "a dead letter of " + to_string(said) + ", once more or elsewhere");
    return;
  }
  Entries* entries = entries_of(cause.place);
  if (entries == nullptr || foreign_.contains(cause.place)) {
    letters_[id] = {};
    if (cause.stage == stages::kConfirmed) {
      results_.put_aside(cause.place);
    }
    return;
  }
  const auto found = entries->find({cause.place.offset, cause.place.index});
  if (found == entries->end() || found->second.done) {
    findings_->add({FindingKind::second,
                    place,
                    {},
                    "an event that waits for its consequence",
                    "a dead letter of " + to_string(cause.place)});
    return;
  }
  Entry& entry = found->second;
  if (entry.holds_money()) {
    CurrencyBooks& books = books_.of(entry.currency);
    books.between.value -= entry.minor;
    --books.between.count;
    books.dead_letters.add(entry.minor);
  }
  letters_[id] = {entry, false};
  entry.done = true;
}

// What an operator closed without applying it: the money stays where it is told.
void Ledger::close_unapplied(std::map<LetterId, Letter>::iterator letter) {
  const Entry& entry = letter->second.entry;
  if (entry.holds_money() && !entry.done) {
    CurrencyBooks& books = books_.of(entry.currency);
    books.dead_letters.value -= entry.minor;
    --books.dead_letters.count;
    books.discarded.add(entry.minor);
  }
  letters_.erase(letter);
}

void Ledger::answered(const Cause& cause, const stream::OperatorAnswer& answer) {
  const stream::LetterKey* key = stream::letter_of(answer.record);
  const bool replayed = std::holds_alternative<stream::ReplayLetter>(answer.record.what) &&
                        answer.verdict == stream::OperatorVerdict::done;
  Entries* entries = entries_of(cause.place);
  if (entries != nullptr && !replayed) {
    const auto found = entries->find({cause.place.offset, cause.place.index});
    if (found != entries->end() && found->second.kind == EntryKind::operators) {
      found->second.done = true;
    }
  }
  if (answer.verdict != stream::OperatorVerdict::done || key == nullptr) {
    return;
  }
  const Place of{cause.place.topic, cause.place.partition, key->offset, key->index};
  const auto letter = letters_.find({cause.stage, of});
  if (letter == letters_.end()) {
    return;
  }
  if (!replayed) {
    close_unapplied(letter);
  } else if (entries == nullptr || letter->second.entry.done) {
    const auto outcome = outcomes_again_.find(cause.place);
    if (cause.stage == stages::kConfirmed && outcome != outcomes_again_.end()) {
      results_.expect(cause.place, outcome->second);
    }
    letters_.erase(letter);
    replays_.erase(cause.place);
    outcomes_again_.erase(cause.place);
  } else {
    letter->second.answered = true;  // what follows from it is on its way
  }
}

// Handed on by intake, or come from outside; for the task that reads this topic, or for another.
void Ledger::take_operators(const Place& place, Timestamp appended, const Cause* cause,
                            ByteView payload) {
  const auto record = stream::decode_operator_record(payload);
  Entry entry;
  entry.kind = EntryKind::operators;
  entry.appended = appended;
  entry.id = record ? record->id : Uuid{};
  entry.content = hash128(payload).low;
  if (cause != nullptr) {
    const Origin origin = origin_of(place, *cause, entry.id);
    if (fits(place, origin, entry, entry.id, {EntryKind::operators})) {
      finish(origin, {});
    }
  }
  const auto* replay = record ? std::get_if<stream::ReplayLetter>(&record->what) : nullptr;
  if (entries_of(place) != nullptr) {
    wait(place, entry);
    const std::uint16_t reader =
        place.topic == Topic::incoming ? stages::kIntake : stages::kAccount;
    if (replay != nullptr && record->stage == reader) {
      replays_[place] = {
          reader, {place.topic, place.partition, replay->letter.offset, replay->letter.index}};
    }
  } else if (replay != nullptr && record->stage == stages::kConfirmed &&
             !outcomes_.decode(replay->bytes, outcome_)) {
    if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome_)) {
      outcomes_again_[place] = *payment;
    }
  }
}

// An operator's record without an answer was for another task that reads the same topic. A replay
// that was answered and had no consequence: intake knew the id, or the money is lost.
void Ledger::pass_operators(const Place& place, std::uint16_t stage) {
  const auto replay = replays_.find(place);
  if (replay == replays_.end()) {
    return;
  }
  const auto letter = letters_.find(replay->second);
  if (letter != letters_.end() && letter->second.answered) {
    if (stage != stages::kIntake) {
      lost(place, letter->second.entry);
    }
    letters_.erase(letter);
  }
  replays_.erase(replay);
}

}  // namespace kpay::audit
