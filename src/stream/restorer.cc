#include "stream/restorer.h"

#include <utility>

#include "base/plant.h"

namespace kpay::stream {

Result<void> load_rows(std::span<TableBase* const> tables, ByteView rows) {
  ByteReader in(rows);
  while (const std::optional<RowView> row = get_row(in)) {
    if (row->table >= tables.size()) {
      return Unexpected(ErrorCode::corrupt, "a row of table " + std::to_string(row->table) +
                                                ", which this build doesn't have");
    }
    if (Result<void> loaded = tables[row->table]->load(row->key, row->value); !loaded) {
      return loaded;
    }
  }
  if (!in.done()) {
    return Unexpected(ErrorCode::corrupt, "rows that can't be read");
  }
  return {};
}

Restorer::Restorer(std::span<TableBase* const> tables, std::optional<Marker> file)
    : tables_(tables), file_(std::move(file)) {}

Result<Verdict> Restorer::feed(std::int64_t offset, ByteView record) {
  const Verdict verdict = reader_.feed(offset, record);
  Result<void> taken;
  switch (verdict) {
    case Verdict::opened:
      for (const Bytes& each : reader_.open().overrides) {
        overrides_.push_back(each);
      }
      // At genesis the empty tables are the state; later open markers don't change it.
      if (reader_.from_genesis() && !file_) {
        prove();
      }
      break;
    case Verdict::checkpoint:
      overrides_.clear();  // they are among its rows, or those of one before
      taken = take_checkpoint();
      break;
    case Verdict::base: taken = take_base(); break;
    case Verdict::pending:
      if (KPAY_PLANT(rows_without_their_marker)) {
        taken = load_rows(tables_, std::get<RowFrame>(*decode_changelog(record)).body);
      }
      break;
    case Verdict::ignored:
    case Verdict::rejected: break;
  }
  if (!taken) {
    return Unexpected(taken.error());
  }
  return verdict;
}

Result<void> Restorer::apply(Bytes rows) {
  Result<void> loaded = load_rows(tables_, rows);
  if (loaded) {
    tail_bytes_ += rows.size();
    tail_.push_back(std::move(rows));
  }
  return loaded;
}

Result<void> Restorer::take_checkpoint() {
  const Marker& marker = reader_.marker();
  if (proven_) {
    marker_ = marker;
    return apply(reader_.rows());
  }
  if (file_) {
    if (marker.number == file_->number) {
      file_refuted_ = marker.digest() != file_->digest();
      if (!file_refuted_) {
        prove();
      }
      marker_ = marker;
    } else if (marker.number > file_->number) {
      file_refuted_ = true;
    }
    return {};
  }
  waiting_.emplace_back(marker, reader_.rows());
  return {};
}

Result<void> Restorer::take_base() {
  if (proven_ || file_) {
    return {};
  }
  if (Result<void> loaded = apply(reader_.rows()); !loaded) {
    return loaded;
  }
  prove();
  marker_ = reader_.base_of();
  if (Result<void> same = verify_state(); !same) {
    return same;
  }
  for (auto& [marker, rows] : waiting_) {
    if (marker.number > marker_.number) {
      marker_ = marker;
      if (Result<void> loaded = apply(std::move(rows)); !loaded) {
        return loaded;
      }
    }
  }
  waiting_.clear();
  return {};
}

// Later bases say nothing new.
void Restorer::prove() noexcept {
  proven_ = true;
  reader_.keep_base_rows(false);
}

std::deque<Bytes> Restorer::take_tail() noexcept {
  tail_bytes_ = 0;
  return std::exchange(tail_, {});
}

Result<void> Restorer::verify_state() const {
  Hash128 rows;
  for (const TableBase* table : tables_) {
    rows += table->sum();
  }
  if (state_hash(rows, marker_.registers) != marker_.state_hash) {
    return Unexpected(ErrorCode::corrupt,
                      "the base of marker " + std::to_string(marker_.number) + " has another hash");
  }
  return {};
}

}  // namespace kpay::stream
