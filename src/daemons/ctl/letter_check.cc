#include "daemons/ctl/letter_check.h"

#include <nlohmann/json.hpp>

#include "base/hash.h"
#include "core/intake.h"
#include "core/limits.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;
using Verdict = LetterCheck::Verdict;

LetterCheck fails(std::string why) { return {Verdict::fails, std::move(why), 0, {}}; }

// What the runtime put aside without asking the stage, it puts aside again.
bool is_whole_record(stream::DeadLetterReason reason) {
  return reason == stream::kReasonEmptyRecord || reason == stream::kReasonForeignLineage ||
         reason == stream::kReasonUnknownSender || reason == stream::kReasonMisdirected;
}

LetterCheck check_command(const Letter& letter, std::int32_t partitions, Timestamp now) {
  wire::CommandCodec codec;
  core::Command command;
  if (const auto problem = codec.decode(letter.letter.bytes, command)) {
    return fails(reason_text(*problem));
  }
  const core::IntakeEffects effects = core::decide({nullptr}, command, now);
  LetterCheck check;
  check.key = to_bytes(core::key_of(command));
  check.partition = partition_of(check.key, partitions);
  check.verdict = check.partition == letter.id.partition ? Verdict::passes : Verdict::moves;
  if (effects.refusal != core::Refusal::none) {
    check.verdict = Verdict::refused;
    check.why = core::to_string(effects.refusal);
  }
  return check;
}

template <class Codec, class Event, class Key>
LetterCheck check_event(const Letter& letter, std::int32_t partitions, const Key& key_of) {
  Codec codec;
  Event event;
  if (const auto problem = codec.decode(letter.letter.bytes, event)) {
    return fails(reason_text(*problem));
  }
  if (partition_of(key_of(event), partitions) != letter.id.partition) {
    return fails(reason_text(core::kDeadWrongPartition));
  }
  return {Verdict::passes, {}, letter.id.partition, {}};
}

std::string text_of(const core::Money& money) {
  return format_amount(money) + " " + std::string(money.currency.text());
}

Json transfer_json(const char* kind, const core::Transfer& transfer) {
  return {{"kind", kind},
          {"payment_id", to_string(transfer.payment.value())},
          {"from", transfer.from.text()},
          {"to", transfer.to.text()},
          {"amount", text_of(transfer.amount)},
          {"value_date", transfer.value_date.value()}};
}

Json to_json(const core::SubmitPayment& submit) { return transfer_json("submit", submit.transfer); }
Json to_json(const core::DebitLeg& leg) { return transfer_json("debit", leg.transfer); }
Json to_json(const core::CreditLeg& leg) { return transfer_json("credit", leg.transfer); }
Json to_json(const core::RefundLeg& leg) {
  Json json = transfer_json("refund", leg.transfer);
  json["refusal"] = core::to_string(leg.refusal);
  return json;
}
Json account_json(const char* kind, const core::CommandId& id, const core::AccountId& account) {
  return {{"kind", kind}, {"command_id", to_string(id.value())}, {"account", account.text()}};
}
Json to_json(const core::OpenAccount& open) {
  Json json = account_json("open_account", open.command, open.account);
  json["opening"] = text_of(open.opening);
  return json;
}
Json to_json(const core::Deposit& deposit) {
  Json json = account_json("deposit", deposit.command, deposit.account);
  json["amount"] = text_of(deposit.amount);
  return json;
}
Json to_json(const core::CloseAccount& close) {
  return account_json("close_account", close.command, close.account);
}
Json to_json(const core::PaymentOutcome& outcome) {
  return {{"kind", "payment_outcome"},
          {"payment_id", to_string(outcome.payment.value())},
          {"from", outcome.from.text()},
          {"to", outcome.to.text()},
          {"amount", text_of(outcome.amount)},
          {"status", core::to_string(outcome.status)},
          {"refusal", core::to_string(outcome.refusal)}};
}
Json to_json(const core::CommandOutcome& outcome) {
  Json json = account_json("command_outcome", outcome.command, outcome.account);
  json["status"] = core::to_string(outcome.status);
  json["refusal"] = core::to_string(outcome.refusal);
  return json;
}

template <class Codec, class Event>
std::string decoded(ByteView bytes) {
  Codec codec;
  Event event;
  if (codec.decode(bytes, event)) {
    return "null";
  }
  return std::visit([](const auto& each) { return to_json(each).dump(); }, event);
}

}  // namespace

LetterCheck check_letter(const Letter& letter, std::int32_t partitions, Timestamp now) {
  const stream::DeadLetter& dead = letter.letter;
  if (is_whole_record(dead.reason)) {
    return fails(letter.reason);
  }
  if (dead.bytes_total > core::kEventBytesMax || dead.bytes.size() < dead.bytes_total) {
    return fails(reason_text(stream::kReasonTooLarge));
  }
  switch (letter.id.stage) {
    case stages::kIntake: return check_command(letter, partitions, now);
    case stages::kAccount:
      return check_event<wire::InflightCodec, core::InflightEvent>(
          letter, partitions,
          [](const core::InflightEvent& event) { return core::account_of(event).view(); });
    default:
      return check_event<wire::OutcomeCodec, core::Outcome>(
          letter, partitions,
          [](const core::Outcome& outcome) { return core::subject_of(outcome).view(); });
  }
}

std::string decoded_json(const Letter& letter) {
  const ByteView bytes = letter.letter.bytes;
  switch (letter.id.stage) {
    case stages::kIntake: return decoded<wire::CommandCodec, core::Command>(bytes);
    case stages::kAccount: return decoded<wire::InflightCodec, core::InflightEvent>(bytes);
    default: return decoded<wire::OutcomeCodec, core::Outcome>(bytes);
  }
}

}  // namespace kpay::ctl
