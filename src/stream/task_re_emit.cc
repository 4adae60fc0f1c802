// Task: telling again what follows from a kept state (R26).
//
// When the log lost records that this task had sent, it goes back to a snapshot of an earlier
// marker and takes its input from there once more, up to its last marker and on. Everything has the
// numbers and hashes that it had: who knows it drops it, who lacks it takes it. It is one stream:
// the task has taken over before, so nobody else writes.
//
// The changelog and the file stay where they are, at the last marker: no checkpoint falls on the
// way there, and there the state has to have the hash that the marker tells. Whoever takes over
// meanwhile begins at that marker, as ever, and what was not told again by then is still missing.
#include <algorithm>

#include "base/plant.h"
#include "stream/task_parts.h"

namespace kpay::stream {

// Restored: the tables are the state of the last marker.
void Task::go_on_restored() {
  if (!parts_.re_emission) {
    run();
    return;
  }
  if (const std::string fault = re_emission_fault(); !fault.empty()) {
    tell(TaskNotice::Kind::re_emission, "re-emit refused: " + fault);
    parts_.re_emission.reset();
    take_over_overrides(restorer_->overrides());
    run();
    return;
  }
  go_back();
}

std::string Task::re_emission_fault() const {
  const Marker& kept = parts_.re_emission->marker;
  if (kept.number >= last_marker_.number ||
      kept.registers.position >= last_marker_.registers.position) {
    return "the kept state is of marker " + std::to_string(kept.number) + ", the last one is " +
           std::to_string(last_marker_.number) + ": nothing follows from it";
  }
  if (kept.logic != last_marker_.logic) {
    return "logic version " + std::to_string(kept.logic.version) +
           " has decided from there on, this build is of version " +
           std::to_string(parts_.spec.logic.version);
  }
  const auto& told = last_marker_.registers.outputs;
  for (const auto& [place, sequence] : kept.registers.outputs) {
    const auto found = told.find(place);
    if (found == told.end() || found->second.last < sequence.last) {
      return "the kept state has told more than the last marker: it is of another history";
    }
  }
  return {};
}

// Overrides that were admitted up to the last marker are consulted on the way, too.
void Task::go_back() {
  std::vector<std::pair<Bytes, Bytes>> admitted;
  overrides_.base_begin();
  while (overrides_.base_slice(kEventsPerTurn, [&](ByteView key, std::optional<ByteView> row) {
    admitted.emplace_back(to_bytes(key), to_bytes(*row));
  })) {
  }
  overrides_.base_end();
  loading_ = true;
  auto self = shared_from_this();
  auto loaded = std::make_shared<Result<void>>();
  auto load = [self, loaded] {
    for (TableBase* table : self->tables_) {
      table->clear();
    }
    *loaded = self->parts_.re_emission->rows([&](const store::StoredRow& row) -> Result<void> {
      return row.table < self->tables_.size()
                 ? self->tables_[row.table]->load(row.key, row.value)
                 : Unexpected(ErrorCode::corrupt, "a row of an unknown table");
    });
  };
  parts_.port->background(std::move(load), [self, loaded, admitted = std::move(admitted)] {
    self->on_gone_back(*loaded, admitted);
  });
}

void Task::on_gone_back(const Result<void>& loaded,
                        const std::vector<std::pair<Bytes, Bytes>>& admitted) {
  loading_ = false;
  if (phase_ != Phase::restoring) {
    return;
  }
  const Marker& kept = parts_.re_emission->marker;
  const bool whole = loaded && state_hash(rows_sum(), kept.registers) == kept.state_hash;
  if (!whole) {
    const std::string why =
        loaded ? "its rows don't have the hash that its marker tells" : loaded.error().message;
    parts_.re_emission.reset();
    fail("the kept state can't be told again from: " + why);  // and begins anew without it
    return;
  }
  registers_ = kept.registers;
  for (const auto& [key, row] : admitted) {
    const std::optional<std::int64_t> offset = OverrideCodec::decode_key(key);
    if (overrides_.find(*offset) == nullptr) {
      overrides_.insert(*offset, *OverrideCodec::decode(row));
    }
  }
  time_acknowledged_ = std::max(time_acknowledged_, last_marker_.registers.now);
  re_emitting_ = true;
  run();
  reason_ = "tells again what follows from input position " +
            std::to_string(kept.registers.position) + " to " +
            std::to_string(last_marker_.registers.position);
  tell(TaskNotice::Kind::re_emission, "re-emit: " + reason_);
}

// Where the last marker stands: what has changed since the kept state is in the changelog already.
void Task::end_re_emission() {
  re_emitting_ = false;
  parts_.re_emission.reset();
  reason_.clear();
  for (TableBase* table : tables_) {
    table->freeze([](ByteView, std::optional<ByteView>) {});
  }
  if (state_hash(rows_sum(), registers_) != last_marker_.state_hash &&
      !KPAY_PLANT(re_emission_unproven)) {
    hold("told again up to input position " + std::to_string(registers_.position) +
         ", where the state doesn't have the hash of marker " +
         std::to_string(last_marker_.number));
    return;
  }
  take_over_overrides(restorer_->overrides());  // admitted behind that marker
  tell(TaskNotice::Kind::re_emission,
       "re-emit: told again up to input position " + std::to_string(registers_.position) +
           ", with the hash of marker " + std::to_string(last_marker_.number));
}

}  // namespace kpay::stream
