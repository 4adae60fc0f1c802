#include "stream/task.h"

#include "base/failpoint.h"
#include "stream/task_parts.h"

namespace kpay::stream {

const char* to_string(Phase phase) noexcept {
  switch (phase) {
    case Phase::opening: return "opening";
    case Phase::checking: return "checking";
    case Phase::standby: return "standby";
    case Phase::restoring: return "restoring";
    case Phase::running: return "running";
    case Phase::stopping: return "stopping";
    case Phase::stopped: return "stopped";
    case Phase::switched: return "switched";
    case Phase::fenced: return "fenced";
    case Phase::failed: return "failed";
    case Phase::held: return "held";
  }
  return "unknown";
}

Task::Task(Parts parts)
    : parts_(std::move(parts)),
      stage_(parts_.spec.make(parts_.partition, parts_.identity.partitions)),
      dead_letters_("dead_letters"),
      operator_keys_("operator_keys"),
      revoked_keys_("revoked_keys"),
      overrides_("overrides"),
      emitter_(std::make_unique<EventEmitter>(*this)) {
  check(parts_.outbox != nullptr && parts_.port != nullptr, "a task has a way out");
  check(parts_.topics.outputs.size() == parts_.spec.outputs.size() + 1, "outputs, then ops.dlq");
  const std::span<TableBase* const> of_stage = stage_->tables();
  tables_.assign(of_stage.begin(), of_stage.end());
  tables_.push_back(&dead_letters_);
  if (reads_from_outside()) {
    tables_.push_back(&operator_keys_);
    tables_.push_back(&revoked_keys_);
  }
  tables_.push_back(&overrides_);
  for (std::size_t i = 0; i < tables_.size(); ++i) {
    tables_[i]->set_number(static_cast<std::uint16_t>(i));
  }
  lanes_.resize(parts_.topics.outputs.size() *
                static_cast<std::size_t>(parts_.identity.partitions));
  if (parts_.options.notes != nullptr) {
    note_ = parts_.options.notes->note(parts_.spec.number, parts_.partition);
  }
  counters_.stage = parts_.spec.name;
  counters_.partition = parts_.partition;
}

Task::~Task() = default;

void Task::tell(TaskNotice::Kind kind, std::string text) const {
  if (parts_.notice) {
    parts_.notice(notice_of(kind, std::move(text)));
  }
}

void Task::tell_of(const BaseMarker& base) const {
  if (parts_.notice) {
    TaskNotice notice =
        notice_of(TaskNotice::Kind::base_accepted, "of marker " + std::to_string(base.number) +
                                                       ", " + std::to_string(base.rows) + " rows");
    notice.marker = base.number;
    notice.rows = base.rows;
    parts_.notice(notice);
  }
}

TaskNotice Task::notice_of(TaskNotice::Kind kind, std::string text) const {
  TaskNotice notice;
  notice.kind = kind;
  notice.text = std::move(text);
  notice.position = registers_.position;
  notice.marker = last_marker_.number;
  notice.state_hash = last_marker_.state_hash;
  for (const TableBase* table : tables_) {
    notice.rows += table->size();
  }
  notice.begin = changelog_.begin;
  notice.from_file = store_was_used_;
  return notice;
}

// ---- from restored to released

void Task::run() {
  phase_ = Phase::running;
  reason_.clear();
  for (auto& [place, sequence] : registers_.outputs) {
    lane(place.first, place.second).sequence = &sequence;
  }
  last_checkpoint_ms_ = now_ms_;
  last_input_ms_ = now_ms_;
  tell(TaskNotice::Kind::restored, "epoch " + std::to_string(epoch_) + ", marker " +
                                       std::to_string(last_marker_.number) + ", input position " +
                                       std::to_string(registers_.position));
  parts_.port->read_input(registers_.position);
  KPAY_FAILPOINT(resumed);
  if (stop_asked_) {
    stop();
  }
}

void Task::stop() {
  stop_asked_ = true;
  switch (phase_) {
    case Phase::running:
      phase_ = Phase::stopping;
      parts_.port->stop_input();
      break;
    case Phase::opening:
    case Phase::checking:
    case Phase::standby:
    case Phase::restoring: leave(Phase::stopped, "stopped before it ran"); break;
    default: break;
  }
}

void Task::drop() { leave(Phase::stopped, "dropped"); }

// The store is closed where it is used, after whatever was given to it before.
void Task::close_store() {
  if (store_) {
    auto store = std::make_shared<std::unique_ptr<store::StateStore>>(std::move(store_));
    parts_.port->background([store] { store->reset(); }, [] {});
  }
}

void Task::leave(Phase phase, std::string why) {
  if (phase_ != Phase::opening) {
    close_store();  // while opening, it is still the background's
  }
  phase_ = phase;
  reason_ = std::move(why);
  parts_.port->stop_input();
  parts_.port->stop_changelog();
  parts_.outbox->forget(*this);
  checkpoint_.reset();
  admission_.reset();
  waiting_.reset();
  re_emitting_ = false;
}

// A standby holds nothing up: it tries again, and whoever owns the partition says what is wrong.
void Task::hold(std::string why) {
  if (standby_) {
    fail(std::move(why));
    return;
  }
  tell(TaskNotice::Kind::held, why);
  leave(Phase::held, std::move(why));
}

void Task::fail(std::string why) {
  tell(TaskNotice::Kind::failed, (standby_ ? "standby: " : "") + why);
  leave(Phase::failed, std::move(why));
}

void Task::fence(std::string why) {
  tell(TaskNotice::Kind::fenced, why);
  leave(Phase::fenced, std::move(why));
}

void Task::on_read_error(const std::string& what) {
  if (follows_changelog() || phase_ == Phase::checking) {
    fail("reading the changelog: " + what);  // trimmed meanwhile: begin again (R14)
  } else if (phase_ == Phase::running || phase_ == Phase::stopping) {
    hold("reading the input: " + what);
  }
}

void Task::on_changelog_read_error(const std::string& what) {
  if (phase_ == Phase::running || phase_ == Phase::stopping) {
    fail("reading the changelog: " + what);
  } else {
    on_read_error(what);
  }
}

void Task::turn(std::int64_t now_ms) {
  now_ms_ = now_ms;
  if (phase_ == Phase::standby) {
    store_followed();
  }
  if (phase_ != Phase::running && phase_ != Phase::stopping) {
    return;
  }
  if (phase_ == Phase::stopping && re_emitting_) {
    leave(Phase::stopped, "stopped while it told again");  // the last marker stands (R26)
    return;
  }
  turn_events_ = 0;
  flush_open();
  if (phase_ == Phase::running && !paused_ && !waiting_ &&
      now_ms - last_input_ms_ >= parts_.options.tick_after_ms &&
      now_ms - last_tick_ms_ >= parts_.options.tick_after_ms) {
    send_tick();
  }
  advance_admission();
  advance_base();
  advance_checkpoint();
}

void Task::on_acknowledged(std::uint64_t tag, std::size_t bytes) {
  check(unacknowledged_bytes_ >= bytes, "no more is acknowledged than was sent");
  unacknowledged_bytes_ -= bytes;
  if (tag == kTagTakeover) {
    if (phase_ == Phase::restoring) {
      parts_.port->query_changelog();
    }
  } else if (tag < kTagTick) {
    std::uint64_t& count = unacknowledged_[tag & 1U];
    check(count > 0, "an interval's outputs are acknowledged once");
    --count;
  } else if (tag == kTagChangelog) {
    KPAY_FAILPOINT(changelog_acknowledged);
  }
}

bool Task::wants_input() const noexcept {
  return phase_ == Phase::running && !paused_ && !waiting_ && turn_events_ < kEventsPerTurn &&
         unacknowledged_bytes_ + collected_bytes_ < parts_.options.unacknowledged_bytes_max;
}

TaskStatus Task::status() const {
  TaskStatus status = counters_;
  status.phase = phase_;
  status.reason = reason_;
  status.position = registers_.position;
  status.checkpoint_position = last_marker_.registers.position;
  status.checkpoint = last_marker_.number;
  status.epoch = epoch_;
  status.state_hash = last_marker_.state_hash;
  if (phase_ == Phase::standby && restorer_) {
    status.checkpoint = restorer_->marker().number;
    status.checkpoint_position = restorer_->marker().registers.position;
    status.state_hash = restorer_->marker().state_hash;
    status.epoch = restorer_->reader().epoch();
  }
  status.now = registers_.now;
  status.logic_version = parts_.spec.logic.version;
  status.state_version = state_version_;
  status.dead_letters_open = loading_ ? 0 : dead_letters_.size();
  for (const TableBase* table : tables_) {
    status.rows += loading_ ? 0 : table->size();
  }
  for (const auto& [sender, state] : registers_.senders) {
    if (state.refused) {
      status.refused.push_back(sender);
    }
  }
  status.unacknowledged_bytes = unacknowledged_bytes_;
  status.rows_restored = rows_restored_;
  status.time_waiting = waiting_.has_value() && !admission_;
  status.store_was_used = store_was_used_;
  status.store_behind = checkpoint_ && checkpoint_->step == Checkpoint::Step::store_failed;
  status.paused = paused_;
  status.re_emitting = re_emitting_;
  return status;
}

}  // namespace kpay::stream
