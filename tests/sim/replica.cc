#include "sim/replica.h"

#include <algorithm>

namespace kpay::sim {

void Replica::Collector::emit(std::size_t output, ByteView key, const stream::Outgoing& event) {
  items.push_back({output, partition_of(key, replica_->identity_.partitions), event.subject,
                   event.time, to_bytes(event.payload)});
}

std::uint64_t Replica::Collector::next_number(std::size_t output, ByteView key) const {
  const std::int32_t partition = partition_of(key, replica_->identity_.partitions);
  const auto more = std::count_if(items.begin(), items.end(), [&](const Item& item) {
    return item.output == output && item.partition == partition;
  });
  return replica_->sent(output, partition).size() + static_cast<std::uint64_t>(more) + 1;
}

Replica::Replica(const stream::StageSpec& spec, std::int32_t partition, stream::Identity identity)
    : spec_(spec),
      partition_(partition),
      identity_(std::move(identity)),
      stage_(spec_.make(partition, identity_.partitions)),
      collector_(std::make_unique<Collector>(*this)) {
  const std::span<stream::TableBase* const> tables = stage_->tables();
  tables_.assign(tables.begin(), tables.end());
  tables_.push_back(&letters_);
  if (from_outside()) {
    tables_.push_back(&keys_);
    tables_.push_back(&revoked_);
  }
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    tables_[i]->set_number(static_cast<std::uint16_t>(i));
  }
}

Replica::~Replica() = default;

const std::vector<Bytes>& Replica::sent(std::size_t output, std::int32_t partition) const {
  static const std::vector<Bytes> nothing;
  const auto found = sent_.find({output, partition});
  return found == sent_.end() ? nothing : found->second;
}

const stream::TableBase& Replica::table(const std::string& name) const {
  const auto found = std::find_if(tables_.begin(), tables_.end(),
                                  [&](const auto* table) { return table->name() == name; });
  check(found != tables_.end(), "the stage has that table");
  return **found;
}

std::int64_t Replica::number(const std::string& name, const std::string& key,
                             const std::string& field) const {
  const stream::TableBase& rows = table(name);
  const std::optional<Bytes> place = rows.key_from_text(key);
  const std::optional<Bytes> row = place ? rows.get(*place) : std::nullopt;
  for (const stream::Field& each : row ? rows.fields(*row) : stream::Fields{}) {
    if (each.name == field) {
      const auto* count = std::get_if<std::uint64_t>(&each.value);
      const auto* value = std::get_if<std::int64_t>(&each.value);
      return count != nullptr ? static_cast<std::int64_t>(*count) : value != nullptr ? *value : 0;
    }
  }
  return 0;
}

Hash128 Replica::state_hash() {
  Hash128 rows;
  for (stream::TableBase* table : tables_) {
    table->freeze([](ByteView, std::optional<ByteView>) {});
    rows += table->sum();
  }
  return stream::state_hash(rows, registers_);
}

stream::Origin Replica::origin_of(const stream::LogRecord& record, std::uint32_t index) const {
  return {identity_.topic_ids.front(), partition_, record.offset, index};
}

// A record that is one event, or is put aside as if it were.
stream::Event Replica::whole(const stream::LogRecord& record) const {
  return {origin_of(record, 0), record.appended, record.appended, {}, record.value};
}

void Replica::take(const stream::LogRecord& record) {
  registers_.position = record.offset + 1;
  if (stream::is_tick(record.value)) {
    registers_.now = std::max(registers_.now, record.appended);
    stage_->tick(registers_.now, *collector_);
    check(collector_->items.empty(), "no stage says anything because of a tick");
  } else if (spec_.input_shape == stream::RecordShape::frame) {
    take_frame(record);
  } else {
    registers_.now = std::max(registers_.now, record.appended);
    apply(whole(record));
  }
}

bool Replica::may_send(const stream::SenderId& sender) const {
  return std::count(spec_.senders.begin(), spec_.senders.end(), sender.stage) > 0 &&
         sender.partition >= 0 && sender.partition < identity_.partitions;
}

void Replica::take_frame(const stream::LogRecord& record) {
  stream::Frame frame;
  check(stream::read_frame(record.value, frame), "every record of an internal topic is a frame");
  if (frame.lineage != identity_.lineage) {
    bury(whole(record), stream::kReasonForeignLineage);
    return;
  }
  if (!may_send(frame.sender)) {
    bury(whole(record), stream::kReasonUnknownSender);
    return;
  }
  stream::SenderState& sender = registers_.senders[frame.sender];
  if (sender.refused) {
    return;
  }
  Hash128 hash = frame.before;
  std::uint64_t number = frame.first;
  for (std::uint32_t i = 0; i < frame.events.size(); ++i, ++number) {
    const stream::Frame::Item& item = frame.events[i];
    if (number > sender.seen.last) {
      if (number == sender.seen.last + 1 && hash != sender.seen.hash) {
        sender.refused = true;
        ++refusals_;
        return;
      }
      untakable_ += number == sender.seen.last + 1 ? 0U : 1U;
      registers_.now = std::max(registers_.now, item.header.time);
      apply({origin_of(record, i), item.header.time, record.appended, item.header.subject,
             item.payload});
      sender.seen = {number, stream::chain_event(hash, item.header_bytes, item.payload)};
    }
    hash = stream::chain_event(hash, item.header_bytes, item.payload);
  }
}

void Replica::apply(const stream::Event& event) {
  if (const auto record = stream::decode_operator_record(event.payload)) {
    obey(event, *record);
    return;
  }
  if (const std::optional<stream::DeadLetterReason> refused = judge(event)) {
    collector_->items.clear();
    bury(event, *refused);
    return;
  }
  publish_collected(event.origin);
}

std::optional<stream::DeadLetterReason> Replica::judge(const stream::Event& event) {
  if (from_outside() && event.payload.empty()) {
    return stream::kReasonEmptyRecord;
  }
  if (from_outside() && event.payload[0] == std::byte{'K'}) {
    return stream::kReasonUnknownSender;
  }
  if (event.payload.size() > spec_.event_bytes_max) {
    return stream::kReasonTooLarge;
  }
  return stage_->apply(event, registers_.now, *collector_);
}

void Replica::publish_collected(const stream::Origin& cause) {
  std::vector<Collector::Item> items;
  items.swap(collector_->items);
  for (const Collector::Item& item : items) {
    publish(item.output, item.partition, cause, {item.subject, item.time, item.payload});
  }
}

void Replica::bury(const stream::Event& event, stream::DeadLetterReason reason) {
  const stream::Origin& origin = event.origin;
  const ByteView bytes = event.payload;
  stream::DeadLetter letter;
  letter.origin = origin;
  letter.reason = reason;
  letter.bytes_total = bytes.size();
  letter.bytes_hash = hash128(bytes);
  letter.bytes = to_bytes(bytes.first(std::min(bytes.size(), stream::kDeadLetterBytesMax)));
  letters_.put({origin.offset, origin.index},
               {reason, letter.bytes_hash, event.time, event.subject});
  const Bytes payload = stream::encode(letter);
  publish(spec_.outputs.size(), partition_, origin, {{}, registers_.now, payload});
}

void Replica::publish(std::size_t output, std::int32_t partition, const stream::Origin& cause,
                      const stream::Outgoing& event) {
  stream::Sequence& sequence = registers_.outputs[{static_cast<std::uint16_t>(output), partition}];
  stream::FrameBuilder builder;
  builder.add({static_cast<std::uint32_t>(event.payload.size()), cause.index, cause.offset,
               event.time, event.subject},
              event.payload, sequence);
  std::vector<Bytes>& sent = sent_[{output, partition}];
  said_.push_back({output, partition, sent.size(), cause});
  sent.push_back(to_bytes(event.payload));
}

}  // namespace kpay::sim
