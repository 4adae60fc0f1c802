// OperatorRecord: what an operator asks of one task, as a record of the log, so that replay, every
// reader and every auditor see it where it happened (R8, R12, R21, R24). The layout: docs/wire.md.
//
// It is written to payments.incoming. The task that reads it there hands it on, as an event, to
// the task that it is for; that one answers on ops.dlq.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/signature.h"
#include "stream/dead_letter.h"
#include "stream/frame.h"
#include "stream/logic.h"

namespace kpay::stream {

inline constexpr std::size_t kOperatorNameMax = 64;
inline constexpr std::size_t kOperatorReasonMax = 500;
inline constexpr std::size_t kSignaturesMax = 4;
/// The largest one: a dead letter that ops.dlq holds whole, and what is around it.
inline constexpr std::size_t kOperatorRecordBytesMax = kDeadLetterBytesMax + 4096;

/// Applies a dead letter once more: its own bytes, and only while it is open.
struct ReplayLetter {
  LetterKey letter;
  Bytes bytes;
};
/// Closes a dead letter without applying it. The hash says which bytes were looked at.
struct DiscardLetter {
  LetterKey letter;
  Hash128 bytes_hash;
};
/// Closes a dead letter that stood on the wrong partition: its bytes went to `partition`, as the
/// client's own command (whose id makes that once).
struct MovedLetter {
  LetterKey letter;
  Hash128 bytes_hash;
  std::int32_t partition = 0;
};
/// Lifts the refusal of a sender that diverged (R8): its events are taken up after `seen`.
struct AcceptSender {
  SenderId sender;
  Sequence seen;
};

/// From now on this key's signature counts, in the task that reads this from outside. Signed like
/// the rest by those that count already.
struct EnrolKey {
  PublicKey key;
  std::string owner;  ///< who signs with it, at most kOperatorNameMax bytes
};
/// From now on it doesn't, and never again.
struct RevokeKey {
  PublicKey key;
};

/// The task ends after the record that brings this, with a clean marker that names `to`; only a
/// build of that logic goes on from there (R21). Repeated, it changes nothing.
struct SwitchLogic {
  Logic to;
};

enum class OverrideAction : std::uint8_t {
  skip = 1,          ///< each of its events becomes a dead letter
  set_time = 2,      ///< its events happened at another time (R3)
  switch_logic = 3,  ///< the next logic takes it: the build before ends in front of it (R22)
};
/// What is to be done with one record of a task's input (R23). The task stands before that record,
/// so this goes another way than the rest: the task that reads it from outside answers it, and the
/// owner carries the answer in an open marker.
struct OverrideInput {
  std::int64_t offset = 0;
  OverrideAction action = OverrideAction::skip;
  Timestamp time{};  ///< of set_time
  Logic to{};        ///< of switch_logic
};

struct OperatorSignature {
  PublicKey key;
  Signature signature;
};

struct OperatorRecord {
  Uuid lineage;
  Uuid topic_id;  ///< the input of the task that it is for
  std::uint16_t stage = 0;
  std::int32_t partition = 0;
  Uuid id;             ///< made by the tool: the answer names it
  std::string author;  ///< who asks, at most kOperatorNameMax bytes
  std::string reason;  ///< why, at most kOperatorReasonMax bytes
  std::variant<ReplayLetter, DiscardLetter, MovedLetter, AcceptSender, EnrolKey, RevokeKey,
               SwitchLogic, OverrideInput>
      what;
  std::vector<OperatorSignature> signatures{};
};

/// "replay", "discard", "moved", "accept", "enrol", "revoke", "switch", "override".
[[nodiscard]] std::string_view verb_of(const OperatorRecord& record) noexcept;
/// The dead letter that it is about; null for those about something else.
[[nodiscard]] const LetterKey* letter_of(const OperatorRecord& record) noexcept;

/// "skip", "set_time".
[[nodiscard]] std::string_view to_string(OverrideAction action) noexcept;

/// How many people have to sign it: two for what changes an outcome, or who may.
[[nodiscard]] std::size_t signatures_wanted(const OperatorRecord& record) noexcept;

/// True for bytes that begin as such a record does; they may still be unreadable.
[[nodiscard]] bool is_operator_record(ByteView bytes) noexcept;
/// REQUIRES: texts, signatures and bytes within their limits.
[[nodiscard]] Bytes encode(const OperatorRecord& record);
/// Nothing when the bytes are none, or a limit is passed.
[[nodiscard]] std::optional<OperatorRecord> decode_operator_record(ByteView bytes);
/// The part of a record's bytes that its signatures are over. REQUIRES: a readable record.
[[nodiscard]] ByteView signed_part(ByteView record);

/// What became of an operator's record. Numbers are on the wire and never change.
enum class OperatorVerdict : std::uint8_t {
  done = 1,
  not_open = 2,      ///< no such dead letter is open here: closed before, or there never was one
  other_bytes = 3,   ///< these are not the dead letter's bytes
  failed_again = 4,  ///< replayed, and dead-lettered again: it stays open
  not_refused = 5,   ///< accept: that sender isn't refused
  going_back = 6,    ///< accept: what is applied already would be applied once more
  not_signed = 7,    ///< fewer enrolled keys signed it than it takes
  last_key = 8,      ///< revoke: nobody could sign any more
  not_here = 9,      ///< enrol, revoke: this task reads nothing from outside
  unknown_key = 10,  ///< revoke: it isn't enrolled
  was_revoked = 11,  ///< enrol: never again, or an old record could be sent once more
  already_switched = 12,  ///< switch: to what decides here, or did before
  not_next = 13,          ///< switch: not the version after the one that decides here
};
[[nodiscard]] std::string_view to_string(OperatorVerdict verdict) noexcept;

/// The answer, an event on ops.dlq. Depends on the record and the task's state alone.
struct OperatorAnswer {
  OperatorVerdict verdict = OperatorVerdict::done;
  DeadLetterReason reason = 0;  ///< of failed_again: why, this time
  Origin at;                    ///< where the record stood in the task's input
  OperatorRecord record;        ///< without its bytes and signatures
};

[[nodiscard]] Bytes encode(const OperatorAnswer& answer);
[[nodiscard]] std::optional<OperatorAnswer> decode_operator_answer(ByteView payload);

}  // namespace kpay::stream
