// Index: what comes, and what it makes of journeys and postings.
#include "query/index.h"

#include <algorithm>
#include <functional>

#include "base/hash.h"
#include "query/limits.h"
#include "stream/dead_letter.h"
#include "stream/operator_record.h"

namespace kpay::query {

namespace {

Hop hop_of(const Item& item, What what) {
  Hop hop;
  hop.what = what;
  hop.place = item.place;
  hop.appended_ms = item.appended.ms;
  hop.stage = item.cause.stage;
  hop.cause = item.cause.place;
  return hop;
}

void fill(Journey& journey, const core::Transfer& transfer) {
  journey.kind = Kind::payment;
  journey.from = transfer.from;
  journey.to = transfer.to;
  journey.amount = transfer.amount;
  journey.value_date = transfer.value_date.value();
  journey.reference = transfer.reference;
}

void fill(Journey& journey, Kind kind, const core::AccountId& account, const core::Money& amount) {
  journey.kind = kind;
  journey.from = account;
  journey.to = {};
  journey.amount = amount;
}

void fill(Journey& journey, const core::SubmitPayment& submit) { fill(journey, submit.transfer); }
void fill(Journey& journey, const core::DebitLeg& leg) { fill(journey, leg.transfer); }
void fill(Journey& journey, const core::CreditLeg& leg) { fill(journey, leg.transfer); }
void fill(Journey& journey, const core::RefundLeg& leg) { fill(journey, leg.transfer); }
void fill(Journey& journey, const core::OpenAccount& open) {
  fill(journey, Kind::opening, open.account, open.opening);
}
void fill(Journey& journey, const core::Deposit& deposit) {
  fill(journey, Kind::deposit, deposit.account, deposit.amount);
}
void fill(Journey& journey, const core::CloseAccount& close) {
  fill(journey, Kind::closing, close.account, {});
}

What what_of(const core::InflightEvent& event) {
  return std::holds_alternative<core::DebitLeg>(event)    ? What::debit
         : std::holds_alternative<core::CreditLeg>(event) ? What::credit
         : std::holds_alternative<core::RefundLeg>(event) ? What::refund
                                                          : What::forwarded;
}

Status end_of(const core::Outcome& outcome) {
  if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome)) {
    switch (payment->status) {
      case core::PaymentStatus::completed: return Status::completed;
      case core::PaymentStatus::failed: return Status::failed;
      case core::PaymentStatus::rejected: return Status::rejected;
    }
  }
  switch (std::get<core::CommandOutcome>(outcome).status) {
    case core::CommandStatus::done: return Status::completed;
    case core::CommandStatus::refused: return Status::failed;
    case core::CommandStatus::rejected: return Status::rejected;
  }
  return Status::failed;
}

core::Refusal refusal_in(const core::Outcome& outcome) {
  return std::visit([](const auto& each) { return each.refusal; }, outcome);
}

}  // namespace

bool Index::is_known(std::size_t stream, const audit::Place& place, Timestamp at) {
  Position& position = positions_[stream][static_cast<std::size_t>(place.partition)];
  if (std::pair(place.offset, place.index) <= std::pair(position.offset, position.index)) {
    ++counts_.skipped;
    return true;
  }
  // A clock that goes back doesn't take the order of postings with it.
  position = {place.offset, place.index, std::max(position.ms, at.ms), true};
  ++counts_.events;
  return false;
}

bool Index::reaches(const audit::Offsets& next) const {
  for (std::size_t topic = 0; topic < next.size(); ++topic) {
    const std::vector<std::int64_t>& ours = cut_[topic];
    const std::vector<std::int64_t>& wanted = next[topic];
    if (ours.size() != wanted.size() ||
        !std::equal(ours.begin(), ours.end(), wanted.begin(), std::greater_equal<>())) {
      return false;
    }
  }
  return true;
}

Result<void> Index::begin_at(std::int64_t ms) {
  kept_from_ms_ = ms;
  for (Position& each : positions_[kPosted]) {
    each.ms = ms;
  }
  return set("kept_from_ms", std::to_string(ms));
}

Result<Index::Open*> Index::journey(const Uuid& id) {
  const auto [found, is_new] = open_.try_emplace(id);
  Open& open = found->second;
  if (is_new) {
    open.journey.id = id;
    if (Result<bool> loaded = load_journey(id, open); !loaded) {
      return Unexpected(loaded.error());
    }
  }
  open.dirty = true;
  return &open;
}

Result<void> Index::take(const Batch& batch, const Item& item) {
  const ByteView payload = batch.payload(item);
  if (item.kind == Item::Kind::posted) {
    take_posting(item);
    return {};
  }
  if (item.kind == Item::Kind::carried) {
    take_balance(item);
    return {};
  }
  if (item.kind == Item::Kind::opened) {
    return take_owner(item, payload);
  }
  if (is_known(audit::number_of(item.place.topic), item.place, item.appended)) {
    return {};
  }
  switch (item.place.topic) {
    case audit::Topic::incoming: return take_command(item, payload);
    case audit::Topic::inflight: return take_leg(item, payload);
    case audit::Topic::complete: return take_outcome(item, payload);
    case audit::Topic::letters: return take_letter(item, payload);
    default: return take_result(item, payload);
  }
}

Result<void> Index::take_command(const Item& item, ByteView payload) {
  // What is no command, or stands where it doesn't belong, becomes a dead letter.
  if (stream::is_runtime_record(payload) || commands_.decode(payload, command_) ||
      partition_of(core::key_of(command_), options_.partitions) != item.place.partition) {
    return {};
  }
  Result<Open*> open = journey(core::id_of(command_));
  if (!open) {
    return Unexpected(open.error());
  }
  Journey& journey = (*open)->journey;
  if (journey.accepted_ms == 0) {
    journey.accepted_ms = item.appended.ms;
    std::visit([&](const auto& each) { fill(journey, each); }, command_);
  }
  journey.add(hop_of(item, What::command));
  return {};
}

Result<void> Index::take_leg(const Item& item, ByteView payload) {
  if (stream::is_operator_record(payload) || inflight_.decode(payload, leg_)) {
    return {};
  }
  Result<Open*> open = journey(core::subject_of(leg_));
  if (!open) {
    return Unexpected(open.error());
  }
  Journey& journey = (*open)->journey;
  // What intake lets through is the payment, whatever other content was sent under its id.
  std::visit([&](const auto& each) { fill(journey, each); }, leg_);
  journey.accepted_ms = journey.accepted_ms == 0 ? item.time.ms : journey.accepted_ms;
  Hop hop = hop_of(item, what_of(leg_));
  const auto* refund = std::get_if<core::RefundLeg>(&leg_);
  hop.refusal = refund == nullptr ? core::Refusal::none : refund->refusal;
  journey.advance(Status::in_flight, hop.refusal, item.appended.ms);
  journey.add(hop);
  return {};
}

Result<void> Index::take_outcome(const Item& item, ByteView payload) {
  if (stream::is_operator_record(payload) || outcomes_.decode(payload, outcome_)) {
    return {};
  }
  Result<Open*> open = journey(core::subject_of(outcome_));
  if (!open) {
    return Unexpected(open.error());
  }
  Journey& journey = (*open)->journey;
  if (const auto* payment = std::get_if<core::PaymentOutcome>(&outcome_);
      payment != nullptr && journey.from.empty()) {
    journey.from = payment->from;
    journey.to = payment->to;
    journey.amount = payment->amount;
  }
  journey.accepted_ms = journey.accepted_ms == 0 ? item.time.ms : journey.accepted_ms;
  Hop hop = hop_of(item, What::outcome);
  hop.says = end_of(outcome_);
  hop.refusal = refusal_in(outcome_);
  journey.advance(hop.says, hop.refusal, item.appended.ms);
  journey.add(hop);
  return {};
}

Result<void> Index::take_letter(const Item& item, ByteView payload) {
  const std::optional<stream::DeadLetter> letter = stream::decode_dead_letter(payload);
  if (!letter || item.id.is_nil()) {
    return {};
  }
  Result<Open*> open = journey(item.id);
  if (!open) {
    return Unexpected(open.error());
  }
  Journey& journey = (*open)->journey;
  journey.accepted_ms = journey.accepted_ms == 0 ? item.time.ms : journey.accepted_ms;
  Hop hop = hop_of(item, What::dead_letter);
  hop.dead_letter_reason = letter->reason;
  journey.add(hop);
  return {};
}

Result<void> Index::take_result(const Item& item, ByteView payload) {
  if (results_.decode(payload, result_)) {
    return {};
  }
  Result<Open*> open = journey(result_.payment.value());
  if (!open) {
    return Unexpected(open.error());
  }
  Journey& journey = (*open)->journey;
  journey.accepted_ms = journey.accepted_ms == 0 ? result_.event_time.ms : journey.accepted_ms;
  Hop hop = hop_of(item, What::result);
  hop.says = result_.confirmed ? Status::completed : Status::failed;
  hop.refusal = result_.refusal;
  journey.add(hop);
  return {};
}

void Index::take_posting(const Item& item) {
  if (is_known(kPosted, item.place, item.appended)) {
    return;
  }
  const Position& now = positions_[kPosted][static_cast<std::size_t>(item.place.partition)];
  postings_.push_back({account_name(item.account, item.place.partition), now.ms, item.place,
                       item.entry, item.delta, item.balance, item.currency, item.id});
}

// Before all postings, and before what is kept: the balance that a statement of it begins with.
void Index::take_balance(const Item& item) {
  postings_.push_back({account_name(item.account, item.place.partition), kept_from_ms_ - 1,
                       item.place, item.entry, 0, item.balance, item.currency, item.id});
}

}  // namespace kpay::query
