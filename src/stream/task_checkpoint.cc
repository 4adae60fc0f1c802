// Task: checkpoints, read-back and bases (R14, R15, R16).
#include "base/failpoint.h"
#include "base/plant.h"
#include "stream/row_packer.h"
#include "stream/task_parts.h"

namespace kpay::stream {

Hash128 Task::rows_sum() const {
  Hash128 sum;
  for (const TableBase* table : tables_) {
    sum += table->sum();
  }
  return sum;
}

void Task::send_changelog(Bytes record, std::uint64_t tag) {
  unacknowledged_bytes_ += record.size();
  parts_.outbox->send(*this, parts_.topics.changelog, parts_.partition, {}, std::move(record), tag);
}

// ---- checkpoint

bool Task::checkpoint_due() const {
  const bool admits = admission_ && admission_->step == Admission::Step::renewing;
  if (base_step_ == BaseStep::renewing || admits || re_emitting_) {
    return false;
  }
  if (phase_ == Phase::stopping || base_step_ == BaseStep::awaiting_marker) {
    return true;
  }
  const std::int64_t age = now_ms_ - last_checkpoint_ms_;
  if (real_records_ > 0 && age >= parts_.options.checkpoint_interval_ms) {
    return true;
  }
  if (registers_.position != last_marker_.registers.position &&
      age >= parts_.options.idle_checkpoint_interval_ms) {
    return true;
  }
  std::size_t changed = 0;
  for (const TableBase* table : tables_) {
    changed += table->changed();
  }
  return changed >= parts_.options.dirty_rows_max;
}

void Task::advance_checkpoint() {
  if (phase_ != Phase::running && phase_ != Phase::stopping) {
    return;  // the base held it
  }
  if (checkpoint_ && checkpoint_->step == Checkpoint::Step::store_failed &&
      phase_ == Phase::stopping) {
    // A full disk doesn't keep the partition from its next owner: the file stays behind (R28).
    store_given_up_ = true;
    on_committed({});
  }
  if (phase_ != Phase::stopped && !checkpoint_ && checkpoint_due()) {
    freeze(phase_ == Phase::stopping);
  }
  if (!checkpoint_) {
    return;
  }
  if (checkpoint_->step == Checkpoint::Step::waiting_outputs &&
      (unacknowledged_[checkpoint_->interval & 1U] == 0 ||
       KPAY_PLANT(marker_before_acknowledgements))) {
    append_checkpoint();
  } else if (checkpoint_->step == Checkpoint::Step::store_failed &&
             now_ms_ >= checkpoint_->retry_ms) {
    commit_checkpoint();
  }
}

void Task::freeze(bool clean) {
  check(!re_emitting_, "no checkpoint falls before the last marker");
  flush_all();
  KPAY_FAILPOINT(before_freeze, parts_.outbox->turn(now_ms_));
  checkpoint_ = std::make_unique<Checkpoint>();
  checkpoint_->interval = interval_++;
  Marker& marker = checkpoint_->marker;
  marker.epoch = epoch_;
  marker.number = last_marker_.number + 1;
  marker.previous_digest = last_digest_;
  marker.logic = switch_to_ ? *switch_to_ : parts_.spec.logic;
  marker.clean = clean;
  RowPacker packer(false, epoch_, marker.number,
                   KPAY_FAILPOINT_ARMED(within_rows) ? 1 : parts_.options.frame_bytes_max);
  for (TableBase* table : tables_) {
    table->freeze([&](ByteView key, std::optional<ByteView> value) {
      packer.add(table->number(), key, value);
    });
  }
  packer.close_frame();
  marker.rows = packer.rows();
  marker.rows_digest = packer.digest();
  marker.registers = registers_;
  if (KPAY_PLANT(forget_last_numbers)) {
    marker.registers.senders.clear();
  }
  if (KPAY_PLANT(forget_output_numbers)) {
    marker.registers.outputs.clear();
  }
  if (KPAY_PLANT(position_one_ahead)) {
    ++marker.registers.position;
  }
  marker.state_hash = state_hash(rows_sum(), marker.registers);
  checkpoint_->frames = std::move(packer.frames());
  last_checkpoint_ms_ = now_ms_;
  real_records_ = 0;
  KPAY_FAILPOINT(after_freeze);
  if (base_step_ == BaseStep::awaiting_marker) {
    begin_base();
  }
}

void Task::append_checkpoint() {
  KPAY_FAILPOINT(before_rows);
  checkpoint_->step = Checkpoint::Step::appended;
  if (KPAY_PLANT(marker_before_rows)) {
    send_changelog(encode(checkpoint_->marker), kTagChangelog);
  }
  for (const Bytes& frame : checkpoint_->frames) {
    send_changelog(frame, kTagChangelog);
    KPAY_FAILPOINT(within_rows, parts_.outbox->turn(now_ms_));
  }
  KPAY_FAILPOINT(before_marker, parts_.outbox->turn(now_ms_));
  if (!KPAY_PLANT(marker_before_rows)) {
    send_changelog(encode(checkpoint_->marker), kTagChangelog);
  }
  KPAY_FAILPOINT(after_marker, parts_.outbox->turn(now_ms_));
  if (KPAY_PLANT(commit_before_read_back)) {
    last_marker_ = checkpoint_->marker;
    last_digest_ = last_marker_.digest();
    commit_checkpoint();
  }
}

// R15: only what the owner's own reader accepted counts.
void Task::read_back(const LogRecord& record) {
  if (record.offset < changelog_position_) {
    return;
  }
  changelog_position_ = record.offset + 1;
  ChangelogReader& reader = restorer_->reader();
  switch (reader.feed(record.offset, record.value)) {
    case Verdict::opened:
      if (reader.open().nonce != nonce_ && KPAY_PLANT(ignore_newer_takeover)) {
        break;
      }
      if (reader.open().nonce != nonce_) {
        fence("a newer takeover by " + reader.open().owner);
      } else if (admission_ && admission_->step == Admission::Step::renewing) {
        on_override_admitted();
      } else if (base_step_ == BaseStep::renewing) {
        epoch_ = reader.epoch();
        base_step_ = BaseStep::awaiting_marker;
        KPAY_FAILPOINT(renewal_read_back);
      } else {
        fail("an open marker of this owner stands in the changelog twice");
      }
      break;
    case Verdict::checkpoint: on_marker_accepted(); break;
    case Verdict::base:
      KPAY_FAILPOINT(base_read_back);
      base_step_ = BaseStep::none;
      since_base_ = 0;
      changelog_.begin = reader.epoch();
      ++counters_.bases;
      tell_of(reader.base());
      parts_.port->trim_changelog(reader.epoch() + (KPAY_PLANT(trim_too_far) ? 1 : 0));
      break;
    case Verdict::rejected:
      tell(TaskNotice::Kind::checkpoint_rejected, reader.reason());
      fail("the changelog rejects this owner's marker: " + reader.reason());
      break;
    case Verdict::ignored: tell(TaskNotice::Kind::zombie_record, reader.reason()); break;
    case Verdict::pending: break;
  }
}

void Task::on_marker_accepted() {
  if (!checkpoint_ || checkpoint_->step != Checkpoint::Step::appended ||
      restorer_->reader().marker().digest() != checkpoint_->marker.digest()) {
    hold("somebody else writes markers of this owner's epoch");
    return;
  }
  KPAY_FAILPOINT(marker_read_back);
  last_marker_ = checkpoint_->marker;
  last_digest_ = last_marker_.digest();
  state_version_ = last_marker_.logic.version;
  if (store_given_up_) {
    on_committed({});
  } else {
    commit_checkpoint();
  }
}

void Task::commit_checkpoint() {
  checkpoint_->step = Checkpoint::Step::storing;
  auto self = shared_from_this();
  auto frames = std::make_shared<std::vector<Bytes>>(checkpoint_->frames);
  auto committed = std::make_shared<Result<void>>();
  auto work = [store = store_.get(), frames, committed, marker = encode(last_marker_)] {
    std::vector<store::StoredRow> rows;
    for (const Bytes& frame : *frames) {
      const std::optional<ChangelogRecord> record = decode_changelog(frame);
      ByteReader in(std::get<RowFrame>(*record).body);
      while (const std::optional<RowView> row = get_row(in)) {
        rows.push_back({row->table, row->key, row->value});
      }
    }
    KPAY_FAILPOINT(before_commit);
    *committed = store->commit(rows, marker, false);
    KPAY_FAILPOINT(after_commit);
  };
  parts_.port->background(std::move(work), [self, committed] { self->on_committed(*committed); });
}

void Task::on_committed(const Result<void>& committed) {
  if (!checkpoint_ || (phase_ != Phase::running && phase_ != Phase::stopping)) {
    return;
  }
  if (!committed && !KPAY_PLANT(failed_commit_forgotten)) {
    // The rows stay: the next try writes them, and no newer checkpoint overtakes them (R15).
    checkpoint_->step = Checkpoint::Step::store_failed;
    checkpoint_->retry_ms = now_ms_ + kStoreRetryMs;
    reason_ = committed.error().message;
    tell(TaskNotice::Kind::store_failed, reason_);
    return;
  }
  if (!waiting_) {
    reason_.clear();
  }
  const bool clean = checkpoint_->marker.clean;
  checkpoint_.reset();
  ++counters_.checkpoints;
  ++since_base_;
  if (clean) {
    KPAY_FAILPOINT(after_clean_marker);
    tell(TaskNotice::Kind::released, "clean");
    if (switch_to_) {
      leave(Phase::switched, "switched to logic version " + std::to_string(switch_to_->version) +
                                 " at input position " + std::to_string(registers_.position));
    } else {
      leave(Phase::stopped, "clean");
    }
  }
}

// ---- base

// As soon as as many rows stand behind the last base as a base has: then bases at most double what
// is written, and a changelog is about twice its state, whatever the state's size (decision 0007).
// Owners that restart often see only the rows since the file of each; records are bounded for them.
bool Task::base_due() const {
  constexpr std::uint64_t kRowsOfMarker = 16;  // a marker weighs as much
  constexpr std::int64_t kRecordsMax = 1'000'000;
  if (since_base_ < parts_.options.base_every) {
    return false;
  }
  std::uint64_t rows = 0;
  for (const TableBase* table : tables_) {
    rows += table->size();
  }
  return restorer_->reader().rows_since_base() + since_base_ * kRowsOfMarker >= rows ||
         changelog_position_ - changelog_.begin >= kRecordsMax;
}

void Task::advance_base() {
  if (phase_ != Phase::running || re_emitting_) {
    return;
  }
  if (base_step_ == BaseStep::none && !checkpoint_ && !admission_ && base_due()) {
    base_step_ = BaseStep::renewing;
    send_changelog(encode(open_marker(OpenMarker::Kind::renewal)), kTagChangelog);
    KPAY_FAILPOINT(after_renewal, parts_.outbox->turn(now_ms_));
  } else if (base_step_ == BaseStep::scanning && last_marker_.number >= base_number_ &&
             unacknowledged_bytes_ < parts_.options.unacknowledged_bytes_max / 2) {
    emit_base_slice();
  }
}

// At the freeze of the renewed epoch's first checkpoint: the rows as they are now (R14).
void Task::begin_base() {
  base_step_ = BaseStep::scanning;
  base_number_ = checkpoint_->marker.number;
  base_state_hash_ = checkpoint_->marker.state_hash;
  base_expected_ = rows_sum();
  base_table_ = 0;
  base_rows_ = 0;
  base_digest_ = {};
  base_sum_ = {};
  for (TableBase* table : tables_) {
    table->base_begin();
  }
  KPAY_FAILPOINT(base_begun);
}

void Task::emit_base_slice() {
  RowPacker packer(true, epoch_, base_number_, parts_.options.frame_bytes_max);
  packer.go_on_from(base_digest_);
  TableBase* table = tables_[base_table_];
  const bool more = table->base_slice(parts_.options.base_slice_rows,
                                      [&](ByteView key, std::optional<ByteView> value) {
                                        base_sum_ += table->row_hash(key, *value);
                                        packer.add(table->number(), key, value);
                                      });
  packer.close_frame();
  base_rows_ += packer.rows();
  base_digest_ = packer.digest();
  for (Bytes& frame : packer.frames()) {
    send_changelog(std::move(frame), kTagChangelog);
    KPAY_FAILPOINT(within_base, parts_.outbox->turn(now_ms_));
  }
  if (more) {
    return;
  }
  table->base_end();
  if (++base_table_ == tables_.size()) {
    close_base();
  }
}

// The hash is recomputed from the rows: a change that nobody marked is found here (R14).
void Task::close_base() {
  if (KPAY_PLANT(trim_without_read_back)) {
    parts_.port->trim_changelog(epoch_);
  }
  if (base_sum_ != base_expected_) {
    hold("the rows don't have the hash that was kept of them: a change was not marked");
    return;
  }
  base_step_ = BaseStep::closing;
  BaseMarker marker;
  marker.epoch = epoch_;
  marker.number = base_number_;
  marker.rows = base_rows_;
  marker.rows_digest = base_digest_;
  marker.state_hash = base_state_hash_;
  send_changelog(encode(marker), kTagChangelog);
  KPAY_FAILPOINT(after_base_marker, parts_.outbox->turn(now_ms_));
}

}  // namespace kpay::stream
