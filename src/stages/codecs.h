// Codecs: the layout of each row, and the tables that the stages are made of.
//
// A row's bytes begin with its version; docs/events.md has the page. A layout changes only with a
// new version, and the golden rows in tests/golden show it.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>

#include "core/rows.h"
#include "stages/keys.h"
#include "stages/row_io.h"
#include "stream/table.h"

namespace kpay::stages {

inline constexpr std::uint8_t kRowVersion = 1;

/// T is Row or const Row: so that one layout serves reading and writing.
template <class T, class Row>
concept Is = std::same_as<std::remove_const_t<T>, Row>;

void layout(auto& io, Is<core::IdRow> auto& row) {
  io("content", row.content);
  io("refusal", row.refusal);
}

void layout(auto& io, Is<core::IntakeTotals> auto& row) {
  io("accepted", row.accepted);
  io("refused", row.refused);
  io("opened", row.opened);
  io("duplicates", row.duplicates);
  io("rejected", row.rejected);
  io("commands_accepted", row.commands_accepted);
  io("commands_refused", row.commands_refused);
  io("refusals", row.refusals);
}

void layout(auto& io, Is<core::AccountRow> auto& row) {
  io("currency", row.currency);
  io("state", row.state);
  io("balance_minor", row.balance);
  io("opening_minor", row.opening);
  io("deposits_minor", row.deposits);
  io("version", row.version);
}

void layout(auto& io, Is<core::AccountTotals> auto& row) {
  io("opened", row.opened);
  io("deposits", row.deposits);
  io("debited", row.debited);
  io("credited", row.credited);
  io("refunded", row.refunded);
  io("suspense", row.suspense);
  io("closed", row.closed);
  io("refusals", row.refusals);
}

void layout(auto& io, Is<core::PaymentRow> auto& row) {
  io("status", row.status);
  io("refusal", row.refusal);
  io("amount", row.amount);
  io("event_time", row.event_time);
  io("finished", row.finished);
}

void layout(auto& io, Is<core::CommandRow> auto& row) {
  io("kind", row.kind);
  io("status", row.status);
  io("refusal", row.refusal);
  io("account", row.account);
  io("event_time", row.event_time);
  io("finished", row.finished);
}

void layout(auto& io, Is<core::RejectionRow> auto& row) {
  io("refusal", row.refusal);
  io("count", row.count);
  io("finished", row.finished);
}

void layout(auto& io, Is<core::SettleTotals> auto& row) {
  io("completed", row.completed);
  io("failed", row.failed);
  io("failed_at_intake", row.failed_at_intake);
  io("closed", row.closed);
  io("rejected", row.rejected);
  io("repeated", row.repeated);
}

void layout(auto& io, Is<core::DayRow> auto& row) {
  io("confirmed", row.confirmed);
  io("failed", row.failed);
  io("failed", row.refusals);
}

void layout(auto& io, Is<core::WindowRow> auto& row) {
  io("failed_count", row.failed);
  io("latency_ms", row.latency_ms);
  io("currencies", row.currencies);
}

void layout(auto& io, Is<core::SweepRow> auto& row) { io("first_minute", row.first_minute); }

void layout(auto& io, Is<core::ExpiryChunk> auto& row) {
  io("first", row.first);
  io("last", row.last);
  io("ids", row.entries);
}

void layout(auto& io, Is<core::ExpiryEnds> auto& row) {
  io("head", row.head);
  io("tail", row.tail);
}

/// The codec that stream::Table wants.
template <class KeyCodec, class Row>
struct RowCodec : KeyCodec {
  static void encode(const Row& row, ByteWriter& out) {
    out.put(kRowVersion);
    RowWriter io(out);
    layout(io, row);
  }
  static std::optional<Row> decode(ByteView bytes) {
    if (bytes.empty() || bytes.front() != std::byte{kRowVersion}) {
      return std::nullopt;
    }
    std::optional<Row> row(std::in_place);
    RowReader io(bytes.subspan(1));
    layout(io, *row);
    return io.done() ? std::move(row) : std::nullopt;
  }
  static stream::Fields fields(const Row& row) {
    FieldMaker io;
    layout(io, row);
    return io.take();
  }
};

template <class KeyCodec, class Row>
using TableOf = stream::Table<typename KeyCodec::Key, Row, RowCodec<KeyCodec, Row>>;

/// The row of `key`, to be changed; a default one if there is none yet.
template <class Key, class Row, class Codec>
[[nodiscard]] Row& row_of(stream::Table<Key, Row, Codec>& table, const Key& key) {
  return table.find(key) != nullptr ? table.change(key) : table.insert(key, Row{});
}

}  // namespace kpay::stages
