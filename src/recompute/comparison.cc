#include "recompute/comparison.h"

#include <algorithm>

namespace kpay::recompute {

namespace {

using Rows = std::map<std::pair<std::uint16_t, Bytes>, std::optional<Bytes>>;

Rows rows_of(ByteView body) {
  Rows rows;
  ByteReader in(body);
  while (const std::optional<stream::RowView> row = stream::get_row(in)) {
    rows[{row->table, to_bytes(row->key)}] =
        row->value ? std::optional(to_bytes(*row->value)) : std::nullopt;
  }
  return rows;
}

std::string text_of(const stream::Field& field) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, std::string>) {
          return value;
        } else if constexpr (std::is_same_v<T, bool>) {
          return value ? "true" : "false";
        } else {
          return std::to_string(value);
        }
      },
      field.value);
}

std::optional<ByteView> view(const Rows& rows, const Rows::key_type& key) {
  const auto found = rows.find(key);
  return found == rows.end() || !found->second ? std::nullopt
                                               : std::optional(ByteView(*found->second));
}

std::string sequence_text(const stream::Sequence& sequence) {
  return "number " + std::to_string(sequence.last) + " hash " + to_string(sequence.hash);
}

// The first thing in which the registers differ; or nothing.
std::string register_difference(const stream::Registers& expected,
                                const stream::Registers& stands) {
  if (expected.now != stands.now) {
    return "now " + to_rfc3339(expected.now) + ", stands " + to_rfc3339(stands.now);
  }
  for (const auto& [lane, sequence] : expected.outputs) {
    const auto found = stands.outputs.find(lane);
    const stream::Sequence there =
        found == stands.outputs.end() ? stream::Sequence{} : found->second;
    if (there != sequence) {
      return "output " + std::to_string(lane.first) + "/" + std::to_string(lane.second) + ": " +
             sequence_text(sequence) + ", stands " + sequence_text(there);
    }
  }
  for (const auto& [sender, state] : expected.senders) {
    const auto found = stands.senders.find(sender);
    const stream::SenderState there =
        found == stands.senders.end() ? stream::SenderState{} : found->second;
    if (there != state) {
      return "sender " + std::to_string(sender.stage) + "/" + std::to_string(sender.partition) +
             ": " + sequence_text(state.seen) + (state.refused ? " refused" : "") + ", stands " +
             sequence_text(there.seen) + (there.refused ? " refused" : "");
    }
  }
  return expected == stands ? std::string() : "fewer outputs or senders than stand there";
}

}  // namespace

std::string_view to_string(DifferenceKind kind) noexcept {
  constexpr std::array<std::string_view, kDifferenceKinds> kWords{
      "changed", "missing", "unexpected", "row", "marker", "stopped"};
  return kWords[static_cast<std::size_t>(kind)];
}

std::string row_difference(const stream::TableBase& table, std::optional<ByteView> expected,
                           std::optional<ByteView> stands) {
  if (!expected || !stands) {
    return std::string(expected ? "a row" : "no row") + ", stands " + (stands ? "a row" : "none");
  }
  const stream::Fields own = table.fields(*expected);
  const stream::Fields there = table.fields(*stands);
  std::string text;
  for (std::size_t i = 0; i < std::min(own.size(), there.size()); ++i) {
    if (own[i].value != there[i].value) {
      text += (text.empty() ? "" : "; ") + own[i].name + " " + text_of(own[i]) + ", stands " +
              text_of(there[i]);
    }
  }
  return text.empty() ? to_hex(*expected) + ", stands " + to_hex(*stands) : text;
}

Comparison::Comparison(Setup setup, const Trails& trails, bool every)
    : setup_(std::move(setup)), every_(every) {
  for (std::size_t output = 0; output < setup_.begun.size(); ++output) {
    std::vector<Trails::Reader>& lanes = lanes_.emplace_back();
    for (std::size_t p = 0; p < setup_.begun[output].size(); ++p) {
      lanes.push_back(trails.read(
          {setup_.task, static_cast<std::uint16_t>(output), static_cast<std::int32_t>(p)}));
    }
  }
}

void Comparison::add(Difference difference) {
  ++counts_[{difference.kind, difference.output}];
  if (first_.size() < (every_ ? kDifferencesKept : 1)) {
    first_.push_back(std::move(difference));
  }
}

void Comparison::add_event(DifferenceKind kind, std::uint16_t output, std::int32_t partition,
                           const SentEvent* event, const Standing* stands, std::uint64_t number) {
  Difference difference;
  difference.kind = kind;
  difference.position = event != nullptr ? event->cause_offset : stands->cause_offset;
  difference.index = event != nullptr ? event->cause_index : stands->cause_index;
  difference.output = output;
  difference.partition = partition;
  difference.number = number;
  if (stands != nullptr) {
    difference.stands = *stands;
  }
  if (event != nullptr) {
    difference.expected = to_bytes(event->payload);
  }
  add(std::move(difference));
}

Result<void> Comparison::take(const SentEvent& event) {
  ++events_;
  const auto output = static_cast<std::uint16_t>(event.output);
  Trails::Reader& lane = this->lane(output, event.partition);
  const bool begun = setup_.begun[output][static_cast<std::size_t>(event.partition)];
  const bool single = setup_.single[output];
  while (!over()) {
    Result<const Standing*> peeked = lane.peek();
    if (!peeked) {
      return Unexpected(peeked.error());
    }
    const Standing* stands = *peeked;
    if (begun && (stands == nullptr || event.number < lane.number())) {
      return {};  // it was deleted by age, or trimmed
    }
    using Cause = std::pair<std::int64_t, std::uint32_t>;
    const Cause own = single ? Cause(static_cast<std::int64_t>(event.number), 0)
                             : Cause(event.cause_offset, event.cause_index);
    const Cause there = stands == nullptr ? Cause()
                        : single          ? Cause(static_cast<std::int64_t>(lane.number()), 0)
                                          : Cause(stands->cause_offset, stands->cause_index);
    if (stands != nullptr && there < own) {
      add_event(DifferenceKind::unexpected, output, event.partition, nullptr, stands,
                lane.number());
      lane.take();
      continue;
    }
    if (stands == nullptr || own < there) {
      add_event(DifferenceKind::missing, output, event.partition, &event, nullptr, event.number);
      return {};
    }
    if (stands->hash != event.hash) {
      add_event(DifferenceKind::changed, output, event.partition, &event, stands, event.number);
    }
    lane.take();
    return {};
  }
  return {};
}

void Comparison::take(const StandingMarker& stands, const Checkpoint& recomputed,
                      std::span<stream::TableBase* const> tables) {
  ++markers_;
  const stream::Marker& there = *stands.marker;
  if (every_ || over() || there.state_hash == recomputed.marker.state_hash) {
    return;
  }
  const Rows own_rows = rows_of(recomputed.rows);
  const Rows their_rows = rows_of(stands.rows);
  Rows all = own_rows;
  all.insert(their_rows.begin(), their_rows.end());
  Difference difference;
  difference.position = there.registers.position;
  difference.kind = DifferenceKind::row;
  for (const auto& [key, value] : all) {
    const std::optional<ByteView> own = view(own_rows, key);
    const std::optional<ByteView> other = view(their_rows, key);
    const bool same = own && other ? equal(*own, *other) : !own && !other;
    if (!same && key.first < tables.size()) {
      const stream::TableBase& table = *tables[key.first];
      difference.text = "table " + table.name() + ", " + table.key_text(key.second) + ": " +
                        row_difference(table, own, other);
      add(std::move(difference));
      return;
    }
  }
  difference.kind = DifferenceKind::marker;
  difference.text = register_difference(recomputed.marker.registers, there.registers);
  if (difference.text.empty()) {
    difference.text = "state hash " + to_string(recomputed.marker.state_hash) + ", stands " +
                      to_string(there.state_hash) + " (the rows of this checkpoint are equal)";
  }
  difference.number = there.number;
  add(std::move(difference));
}

void Comparison::stopped(std::int64_t position, std::string why) {
  Difference difference;
  difference.kind = DifferenceKind::stopped;
  difference.position = position;
  difference.text = std::move(why);
  add(std::move(difference));
}

Result<void> Comparison::finish() {
  for (std::size_t output = 0; output < lanes_.size(); ++output) {
    for (std::size_t p = 0; p < lanes_[output].size() && !over(); ++p) {
      Trails::Reader& lane = lanes_[output][p];
      for (;;) {
        Result<const Standing*> stands = lane.peek();
        if (!stands) {
          return Unexpected(stands.error());
        }
        if (*stands == nullptr || over()) {
          break;
        }
        add_event(DifferenceKind::unexpected, static_cast<std::uint16_t>(output),
                  static_cast<std::int32_t>(p), nullptr, *stands, lane.number());
        lane.take();
      }
    }
  }
  return {};
}

}  // namespace kpay::recompute
