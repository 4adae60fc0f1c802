#include "stream/changelog.h"

#include "base/check.h"

namespace kpay::stream {

namespace {

constexpr std::uint8_t kVersion = 1;
constexpr std::size_t kPrefixBytes = 4;
constexpr std::size_t kChecksumBytes = 8;

// Each record: 'K', its kind, a version, zero; the body; a checksum over all before it.
Bytes begin_record(char kind) {
  return {std::byte{'K'}, static_cast<std::byte>(kind), std::byte{kVersion}, std::byte{0}};
}

Bytes end_record(Bytes record) {
  const std::uint64_t checksum = checksum64(record);
  ByteWriter(record).put(checksum);
  return record;
}

void put(ByteWriter& out, const Identity& identity) {
  out.sized(identity.cluster_id);
  out.raw(identity.lineage.view());
  out.put(identity.partitions);
  out.put(static_cast<std::uint32_t>(identity.topic_ids.size()));
  for (const Uuid& id : identity.topic_ids) {
    out.raw(id.view());
  }
}

Uuid get_uuid(ByteReader& in) { return uuid_from_bytes(in.raw(16)).value_or(Uuid{}); }

Identity get_identity(ByteReader& in) {
  Identity identity;
  identity.cluster_id = in.text();
  identity.lineage = get_uuid(in);
  identity.partitions = in.get<std::int32_t>();
  const auto count = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < count && in.ok(); ++i) {
    identity.topic_ids.push_back(get_uuid(in));
  }
  return identity;
}

void put_body(ByteWriter& out, const Marker& marker) {
  out.put(marker.epoch);
  out.put(marker.number);
  out.put(marker.rows);
  put(out, marker.rows_digest);
  put(out, marker.previous_digest);
  put(out, marker.state_hash);
  put(out, marker.logic);
  out.put(static_cast<std::uint8_t>(marker.clean ? 1 : 0));
  put(out, marker.registers);
}

OpenMarker get_open(ByteReader& in) {
  OpenMarker marker;
  marker.kind = static_cast<OpenMarker::Kind>(in.get<std::uint8_t>());
  marker.identity = get_identity(in);
  marker.nonce = get_uuid(in);
  marker.owner = in.text();
  marker.build = in.text();
  marker.logic = get_logic(in);
  marker.previous_epoch = in.get<std::int64_t>();
  if (in.ok() && in.left() > 0) {  // most carry none, and are written without
    const auto count = in.get<std::uint8_t>();
    for (std::uint8_t i = 0; i < count && in.ok(); ++i) {
      marker.overrides.push_back(to_bytes(in.sized()));
    }
  }
  return marker;
}

Marker get_marker(ByteReader& in) {
  Marker marker;
  marker.epoch = in.get<std::int64_t>();
  marker.number = in.get<std::uint64_t>();
  marker.rows = in.get<std::uint32_t>();
  marker.rows_digest = get_hash128(in);
  marker.previous_digest = get_hash128(in);
  marker.state_hash = get_hash128(in);
  marker.logic = get_logic(in);
  marker.clean = in.get<std::uint8_t>() != 0;
  marker.registers = get_registers(in);
  return marker;
}

BaseMarker get_base_marker(ByteReader& in) {
  BaseMarker marker;
  marker.epoch = in.get<std::int64_t>();
  marker.number = in.get<std::uint64_t>();
  marker.rows = in.get<std::uint32_t>();
  marker.rows_digest = get_hash128(in);
  marker.state_hash = get_hash128(in);
  return marker;
}

RowFrame get_row_frame(ByteReader& in) {
  RowFrame frame;
  frame.base = in.get<std::uint8_t>() != 0;
  frame.epoch = in.get<std::int64_t>();
  frame.number = in.get<std::uint64_t>();
  frame.rows = in.get<std::uint32_t>();
  frame.body = in.raw(in.left());
  return frame;
}

bool is_as_written(const ChangelogRecord& decoded, ByteView record) {
  if (std::holds_alternative<RowFrame>(decoded)) {  // large, and mostly its body
    const bool flag = record[kPrefixBytes] <= std::byte{1};
    return flag && record[kPrefixBytes - 1] == std::byte{0};
  }
  return equal(std::visit([](const auto& each) { return encode(each); }, decoded), record);
}

}  // namespace

void put(ByteWriter& out, const Registers& registers) {
  out.put(registers.position);
  out.put(registers.now.ms);
  out.put(static_cast<std::uint32_t>(registers.outputs.size()));
  for (const auto& [place, sequence] : registers.outputs) {
    out.put(place.first);
    out.put(place.second);
    out.put(sequence.last);
    put(out, sequence.hash);
  }
  out.put(static_cast<std::uint32_t>(registers.senders.size()));
  for (const auto& [sender, state] : registers.senders) {
    out.put(sender.stage);
    out.put(sender.partition);
    out.put(state.seen.last);
    put(out, state.seen.hash);
    out.put(static_cast<std::uint8_t>(state.refused ? 1 : 0));
  }
}

Registers get_registers(ByteReader& in) {
  Registers registers;
  registers.position = in.get<std::int64_t>();
  registers.now.ms = in.get<std::int64_t>();
  const auto outputs = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < outputs && in.ok(); ++i) {
    const auto output = in.get<std::uint16_t>();
    const auto partition = in.get<std::int32_t>();
    Sequence& sequence = registers.outputs[{output, partition}];
    sequence.last = in.get<std::uint64_t>();
    sequence.hash = get_hash128(in);
  }
  const auto senders = in.get<std::uint32_t>();
  for (std::uint32_t i = 0; i < senders && in.ok(); ++i) {
    SenderId sender;
    sender.stage = in.get<std::uint16_t>();
    sender.partition = in.get<std::int32_t>();
    SenderState& state = registers.senders[sender];
    state.seen.last = in.get<std::uint64_t>();
    state.seen.hash = get_hash128(in);
    state.refused = in.get<std::uint8_t>() != 0;
  }
  return registers;
}

Hash128 Marker::digest() const {
  Bytes body;
  ByteWriter out(body);
  put_body(out, *this);
  return hash128(body);
}

void put_row(ByteWriter& out, std::uint16_t table, ByteView key, std::optional<ByteView> value) {
  out.put(table);
  out.put(static_cast<std::uint8_t>(value ? 1 : 0));
  out.sized(key);
  if (value) {
    out.sized(*value);
  }
}

std::optional<RowView> get_row(ByteReader& in) {
  if (in.left() == 0) {
    return std::nullopt;
  }
  RowView row;
  row.table = in.get<std::uint16_t>();
  const bool present = in.get<std::uint8_t>() != 0;
  row.key = in.sized();
  if (present) {
    row.value = in.sized();
  }
  return in.ok() ? std::optional(row) : std::nullopt;
}

Bytes encode(const OpenMarker& marker) {
  Bytes record = begin_record('O');
  ByteWriter out(record);
  out.put(static_cast<std::uint8_t>(marker.kind));
  put(out, marker.identity);
  out.raw(marker.nonce.view());
  out.sized(marker.owner);
  out.sized(marker.build);
  put(out, marker.logic);
  out.put(marker.previous_epoch);
  if (!marker.overrides.empty()) {
    out.put(static_cast<std::uint8_t>(marker.overrides.size()));
    for (const Bytes& each : marker.overrides) {
      out.sized(ByteView(each));
    }
  }
  return end_record(std::move(record));
}

Bytes encode(const Marker& marker) {
  Bytes record = begin_record('M');
  ByteWriter out(record);
  put_body(out, marker);
  return end_record(std::move(record));
}

Bytes encode(const BaseMarker& marker) {
  Bytes record = begin_record('B');
  ByteWriter out(record);
  out.put(marker.epoch);
  out.put(marker.number);
  out.put(marker.rows);
  put(out, marker.rows_digest);
  put(out, marker.state_hash);
  return end_record(std::move(record));
}

Bytes encode(const RowFrame& frame) {
  Bytes record = begin_record('R');
  ByteWriter out(record);
  out.put(static_cast<std::uint8_t>(frame.base ? 1 : 0));
  out.put(frame.epoch);
  out.put(frame.number);
  out.put(frame.rows);
  out.raw(frame.body);
  return end_record(std::move(record));
}

std::optional<ChangelogRecord> decode_changelog(ByteView record) {
  if (record.size() < kPrefixBytes + kChecksumBytes || record[0] != std::byte{'K'} ||
      record[2] != std::byte{kVersion}) {
    return std::nullopt;
  }
  const ByteView signed_part = record.first(record.size() - kChecksumBytes);
  if (ByteReader(record.last(kChecksumBytes)).get<std::uint64_t>() != checksum64(signed_part)) {
    return std::nullopt;
  }
  ByteReader in(signed_part.subspan(kPrefixBytes));
  std::optional<ChangelogRecord> result;
  switch (static_cast<char>(record[1])) {
    case 'O':
      result = get_open(in);
      if (std::get<OpenMarker>(*result).kind < OpenMarker::Kind::genesis ||
          std::get<OpenMarker>(*result).kind > OpenMarker::Kind::renewal ||
          std::get<OpenMarker>(*result).overrides.size() > kOverridesInMarkerMax) {
        return std::nullopt;
      }
      break;
    case 'M': result = get_marker(in); break;
    case 'B': result = get_base_marker(in); break;
    case 'R': result = get_row_frame(in); break;
    default: return std::nullopt;
  }
  // One row of bytes for each value: a flag that is neither 0 nor 1, or registers out of order,
  // would have the digest of what they are read as.
  return in.done() && is_as_written(*result, record) ? result : std::nullopt;
}

Hash128 state_hash(const Hash128& rows, const Registers& registers) {
  Bytes body;
  ByteWriter out(body);
  put(out, registers);
  Hash128 hash = hash128(body);
  hash += rows;
  return hash;
}

}  // namespace kpay::stream
