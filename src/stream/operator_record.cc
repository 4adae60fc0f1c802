#include "stream/operator_record.h"

#include <algorithm>

#include "base/check.h"

namespace kpay::stream {

namespace {

constexpr std::size_t kPrefixBytes = 4;
constexpr std::size_t kChecksumBytes = 8;
constexpr std::array kPrefix = {std::byte{'K'}, std::byte{'A'}, std::byte{1}, std::byte{0}};
constexpr std::uint8_t kAnswerVersion = 2;  // 1 is a dead letter's

Uuid get_uuid(ByteReader& in) { return uuid_from_bytes(in.raw(16)).value_or(Uuid{}); }

void put(ByteWriter& out, const LetterKey& key) {
  out.put(key.offset);
  out.put(key.index);
}

LetterKey get_letter(ByteReader& in) {
  LetterKey key;
  key.offset = in.get<std::int64_t>();
  key.index = in.get<std::uint32_t>();
  return key;
}

void put_what(ByteWriter& out, const ReplayLetter& replay) {
  put(out, replay.letter);
  out.sized(ByteView(replay.bytes));
}
void put_what(ByteWriter& out, const DiscardLetter& discard) {
  put(out, discard.letter);
  put(out, discard.bytes_hash);
}
void put_what(ByteWriter& out, const MovedLetter& moved) {
  put(out, moved.letter);
  put(out, moved.bytes_hash);
  out.put(moved.partition);
}
void put_what(ByteWriter& out, const AcceptSender& accept) {
  out.put(accept.sender.stage);
  out.put(accept.sender.partition);
  out.put(accept.seen.last);
  put(out, accept.seen.hash);
}

void put_what(ByteWriter& out, const EnrolKey& enrol) {
  out.raw(enrol.key.bytes);
  out.sized(enrol.owner);
}
void put_what(ByteWriter& out, const RevokeKey& revoke) { out.raw(revoke.key.bytes); }
void put_what(ByteWriter& out, const SwitchLogic& change) { put(out, change.to); }

void put_what(ByteWriter& out, const OverrideInput& override) {
  out.put(override.offset);
  out.put(static_cast<std::uint8_t>(override.action));
  out.put(override.time.ms);
  put(out, override.to);
}

void get_what(ByteReader& in, ReplayLetter& replay) {
  replay.letter = get_letter(in);
  replay.bytes = to_bytes(in.sized());
}
void get_what(ByteReader& in, DiscardLetter& discard) {
  discard.letter = get_letter(in);
  discard.bytes_hash = get_hash128(in);
}
void get_what(ByteReader& in, MovedLetter& moved) {
  moved.letter = get_letter(in);
  moved.bytes_hash = get_hash128(in);
  moved.partition = in.get<std::int32_t>();
}
void get_what(ByteReader& in, AcceptSender& accept) {
  accept.sender.stage = in.get<std::uint16_t>();
  accept.sender.partition = in.get<std::int32_t>();
  accept.seen.last = in.get<std::uint64_t>();
  accept.seen.hash = get_hash128(in);
}

template <std::size_t N>
void get_array(ByteReader& in, std::array<std::byte, N>& out) {
  const ByteView bytes = in.raw(N);
  std::copy(bytes.begin(), bytes.end(), out.begin());
}
void get_what(ByteReader& in, EnrolKey& enrol) {
  get_array(in, enrol.key.bytes);
  enrol.owner = in.text();
}
void get_what(ByteReader& in, RevokeKey& revoke) { get_array(in, revoke.key.bytes); }
void get_what(ByteReader& in, SwitchLogic& change) { change.to = get_logic(in); }

void get_what(ByteReader& in, OverrideInput& override) {
  override.offset = in.get<std::int64_t>();
  override.action = static_cast<OverrideAction>(in.get<std::uint8_t>());
  override.time.ms = in.get<std::int64_t>();
  override.to = get_logic(in);
}

bool is_right(const OverrideInput& override) {
  return override.action >= OverrideAction::skip &&
         override.action <= OverrideAction::switch_logic && override.offset >= 0 &&
         (override.action == OverrideAction::set_time) == (override.time.ms > 0) &&
         (override.action == OverrideAction::switch_logic) == (override.to.version > 0);
}

Bytes body_of(const OperatorRecord& record) {
  check(record.author.size() <= kOperatorNameMax && record.reason.size() <= kOperatorReasonMax,
        "an operator's texts are within their limits");
  Bytes body;
  ByteWriter out(body);
  out.raw(record.lineage.view());
  out.raw(record.topic_id.view());
  out.put(record.stage);
  out.put(record.partition);
  out.raw(record.id.view());
  out.sized(record.author);
  out.sized(record.reason);
  out.put(static_cast<std::uint8_t>(record.what.index() + 1));
  std::visit([&](const auto& what) { put_what(out, what); }, record.what);
  return body;
}

bool read_what(ByteReader& in, OperatorRecord& record) {
  switch (in.get<std::uint8_t>()) {
    case 1: get_what(in, record.what.emplace<ReplayLetter>()); break;
    case 2: get_what(in, record.what.emplace<DiscardLetter>()); break;
    case 3: get_what(in, record.what.emplace<MovedLetter>()); break;
    case 4: get_what(in, record.what.emplace<AcceptSender>()); break;
    case 5: get_what(in, record.what.emplace<EnrolKey>()); break;
    case 6: get_what(in, record.what.emplace<RevokeKey>()); break;
    case 7: get_what(in, record.what.emplace<SwitchLogic>()); break;
    case 8: get_what(in, record.what.emplace<OverrideInput>()); break;
    default: return false;
  }
  const auto* override = std::get_if<OverrideInput>(&record.what);
  if (override != nullptr && !is_right(*override)) {
    return false;
  }
  const auto* enrol = std::get_if<EnrolKey>(&record.what);
  return in.done() && (enrol == nullptr || enrol->owner.size() <= kOperatorNameMax);
}

bool read_body(ByteView body, OperatorRecord& record) {
  ByteReader in(body);
  record.lineage = get_uuid(in);
  record.topic_id = get_uuid(in);
  record.stage = in.get<std::uint16_t>();
  record.partition = in.get<std::int32_t>();
  record.id = get_uuid(in);
  record.author = in.text();
  record.reason = in.text();
  return read_what(in, record) && record.author.size() <= kOperatorNameMax &&
         record.reason.size() <= kOperatorReasonMax;
}

bool read_signatures(ByteReader& in, OperatorRecord& record) {
  const auto count = in.get<std::uint8_t>();
  for (std::uint8_t i = 0; i < count && in.ok(); ++i) {
    OperatorSignature& each = record.signatures.emplace_back();
    get_array(in, each.key.bytes);
    get_array(in, each.signature);
  }
  return in.done() && count <= kSignaturesMax;
}

}  // namespace

std::string_view verb_of(const OperatorRecord& record) noexcept {
  constexpr std::array<std::string_view, 8> kVerbs = {"replay", "discard", "moved",  "accept",
                                                      "enrol",  "revoke",  "switch", "override"};
  static_assert(std::variant_size_v<decltype(record.what)> == kVerbs.size());
  return kVerbs[record.what.index()];
}

const LetterKey* letter_of(const OperatorRecord& record) noexcept {
  if (const auto* replay = std::get_if<ReplayLetter>(&record.what)) {
    return &replay->letter;
  }
  if (const auto* discard = std::get_if<DiscardLetter>(&record.what)) {
    return &discard->letter;
  }
  const auto* moved = std::get_if<MovedLetter>(&record.what);
  return moved != nullptr ? &moved->letter : nullptr;
}

std::size_t signatures_wanted(const OperatorRecord& record) noexcept {
  const bool closes_only = std::holds_alternative<DiscardLetter>(record.what) ||
                           std::holds_alternative<MovedLetter>(record.what);
  return closes_only ? 1 : 2;
}

std::string_view to_string(OverrideAction action) noexcept {
  switch (action) {
    case OverrideAction::skip: return "skip";
    case OverrideAction::set_time: return "set_time";
    case OverrideAction::switch_logic: return "switch_logic";
  }
  return "unknown";
}

bool is_operator_record(ByteView bytes) noexcept {
  return bytes.size() > kPrefixBytes && equal(bytes.first(kPrefixBytes), kPrefix);
}

Bytes encode(const OperatorRecord& record) {
  check(record.signatures.size() <= kSignaturesMax, "signatures are within their limit");
  Bytes bytes(kPrefix.begin(), kPrefix.end());
  ByteWriter out(bytes);
  out.sized(ByteView(body_of(record)));
  out.put(static_cast<std::uint8_t>(record.signatures.size()));
  for (const OperatorSignature& each : record.signatures) {
    out.raw(each.key.bytes);
    out.raw(each.signature);
  }
  const std::uint64_t checksum = checksum64(bytes);
  out.put(checksum);
  return bytes;
}

std::optional<OperatorRecord> decode_operator_record(ByteView bytes) {
  if (!is_operator_record(bytes) || bytes.size() < kPrefixBytes + kChecksumBytes ||
      bytes.size() > kOperatorRecordBytesMax) {
    return std::nullopt;
  }
  const ByteView covered = bytes.first(bytes.size() - kChecksumBytes);
  if (ByteReader(bytes.last(kChecksumBytes)).get<std::uint64_t>() != checksum64(covered)) {
    return std::nullopt;
  }
  ByteReader in(covered.subspan(kPrefixBytes));
  OperatorRecord record;
  const ByteView body = in.sized();
  if (!in.ok() || !read_body(body, record) || !read_signatures(in, record)) {
    return std::nullopt;
  }
  return record;
}

ByteView signed_part(ByteView record) {
  ByteReader in(record.subspan(kPrefixBytes));
  const ByteView body = in.sized();
  check(in.ok(), "a record that is signed can be read");
  return record.first(kPrefixBytes + sizeof(std::uint32_t) + body.size());
}

std::string_view to_string(OperatorVerdict verdict) noexcept {
  switch (verdict) {
    case OperatorVerdict::done: return "done";
    case OperatorVerdict::not_open: return "not_open";
    case OperatorVerdict::other_bytes: return "other_bytes";
    case OperatorVerdict::failed_again: return "failed_again";
    case OperatorVerdict::not_refused: return "not_refused";
    case OperatorVerdict::going_back: return "going_back";
    case OperatorVerdict::not_signed: return "not_signed";
    case OperatorVerdict::last_key: return "last_key";
    case OperatorVerdict::not_here: return "not_here";
    case OperatorVerdict::unknown_key: return "unknown_key";
    case OperatorVerdict::was_revoked: return "was_revoked";
    case OperatorVerdict::already_switched: return "already_switched";
    case OperatorVerdict::not_next: return "not_next";
  }
  return "unknown";
}

Bytes encode(const OperatorAnswer& answer) {
  OperatorRecord record = answer.record;
  record.signatures.clear();
  if (auto* replay = std::get_if<ReplayLetter>(&record.what)) {
    replay->bytes.clear();
  }
  Bytes payload;
  ByteWriter out(payload);
  out.put(kAnswerVersion);
  out.put(static_cast<std::uint8_t>(answer.verdict));
  out.put(answer.reason);
  out.raw(answer.at.topic_id.view());
  out.put(answer.at.partition);
  out.put(answer.at.offset);
  out.put(answer.at.index);
  out.raw(encode(record));
  return payload;
}

std::optional<OperatorAnswer> decode_operator_answer(ByteView payload) {
  ByteReader in(payload);
  OperatorAnswer answer;
  const auto version = in.get<std::uint8_t>();
  answer.verdict = static_cast<OperatorVerdict>(in.get<std::uint8_t>());
  answer.reason = in.get<DeadLetterReason>();
  answer.at.topic_id = get_uuid(in);
  answer.at.partition = in.get<std::int32_t>();
  answer.at.offset = in.get<std::int64_t>();
  answer.at.index = in.get<std::uint32_t>();
  std::optional<OperatorRecord> record = decode_operator_record(in.raw(in.left()));
  if (version != kAnswerVersion || !in.ok() || !record || to_string(answer.verdict) == "unknown") {
    return std::nullopt;
  }
  answer.record = std::move(*record);
  return answer;
}

}  // namespace kpay::stream
