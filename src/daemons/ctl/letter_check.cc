#include "daemons/ctl/letter_check.h"

#include "base/hash.h"
#include "core/intake.h"
#include "core/limits.h"
#include "daemons/ctl/event_json.h"
#include "stages/specs.h"
#include "wire/codec.h"

namespace kpay::ctl {

namespace {

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
  const std::string_view input = letter.id.stage == stages::kIntake    ? stages::kTopicIncoming
                                 : letter.id.stage == stages::kAccount ? stages::kTopicInflight
                                                                       : stages::kTopicComplete;
  return event_json(input, letter.letter.bytes);
}

}  // namespace kpay::ctl
