// Task: taking over and restoring, and following as a standby (R14, R16–R19).
#include <algorithm>

#include "base/failpoint.h"
#include "base/plant.h"
#include "stream/task_parts.h"

namespace kpay::stream {

namespace {

Result<void> commit_bodies(store::StateStore& store, const std::deque<Bytes>& bodies,
                           ByteView marker, bool replace) {
  std::vector<store::StoredRow> rows;
  for (const Bytes& body : bodies) {
    ByteReader in(body);
    while (const std::optional<RowView> row = get_row(in)) {
      rows.push_back({row->table, row->key, row->value});
    }
  }
  return store.commit(rows, marker, replace);
}

}  // namespace

void Task::start(std::int64_t now_ms, Role role) {
  check(phase_ == Phase::opening, "a task starts once");
  standby_ = role == Role::standby;
  now_ms_ = now_ms;
  stored_followed_ms_ = now_ms;
  nonce_ = parts_.make_nonce();
  loading_ = true;
  auto self = shared_from_this();
  auto loaded = std::make_shared<Loaded>();
  parts_.port->background([self, loaded] { loaded->opened = self->load_store(*loaded); },
                          [self, loaded] { self->on_opened(*loaded); });
}

// R18: it goes on from the last accepted marker to the takeover marker, and nothing else: what
// another owner's unfinished checkpoint left is dropped as everybody drops it.
void Task::promote() {
  standby_ = false;
  if (phase_ != Phase::standby) {
    return;
  }
  if (restorer_ && restorer_->proven() &&
      restorer_->reader().logic().version > parts_.spec.logic.version) {
    refuse_version(restorer_->marker(), restorer_->reader().logic());
    return;
  }
  phase_ = Phase::restoring;
  if (KPAY_PLANT(promoted_without_takeover)) {
    takeover_offset_ = restorer_->reader().epoch();
    parts_.port->query_changelog();
    return;
  }
  send_takeover();
}

// R21: only a switch record leads from one logic to the next, and only to that one. Where a file or
// what was followed says so, nothing was appended yet.
void Task::refuse_version(const Marker& marker, const Logic& logic) {
  const Logic& own = parts_.spec.logic;
  state_version_ = logic.version;
  last_marker_ = marker;
  registers_ = marker.registers;
  const std::string here = " at input position " + std::to_string(marker.registers.position);
  if (logic.version == own.version) {
    hold("refused by version: logic version " + std::to_string(own.version) +
         " of another build (" + to_string(logic.rules_hash) + ") goes on" + here +
         ", this build's is " + to_string(own.rules_hash));
  } else if (logic.version > own.version) {
    hold("refused by version: switched to logic version " + std::to_string(logic.version) + here +
         ", this build has " + std::to_string(own.version));
  } else {
    hold("refused by version: the state is of logic version " + std::to_string(logic.version) +
         here + ", this build has " + std::to_string(own.version) +
         ", and no switch record has led there");
  }
}

// In the background: opens the store and loads what is there, believed or not. Touches nothing of
// the task but the tables, which nobody else does while loading_.
Result<void> Task::load_store(Loaded& loaded) {
  Result<std::unique_ptr<store::StateStore>> opened = parts_.open_store();
  if (!opened) {
    return Unexpected(opened.error());
  }
  loaded.store = std::move(*opened);
  const auto distrust = [&](const std::string& why) -> Result<void> {
    for (TableBase* table : tables_) {
      table->clear();
    }
    loaded.file.reset();
    loaded.distrust = why;
    return loaded.store->set_aside("damaged");
  };
  Result<std::optional<Bytes>> bytes = loaded.store->marker();
  if (!bytes) {
    return distrust(bytes.error().message);
  }
  if (!*bytes) {
    return {};
  }
  std::optional<ChangelogRecord> record = decode_changelog(**bytes);
  if (!record || !std::holds_alternative<Marker>(*record)) {
    return distrust("its marker can't be read");
  }
  loaded.file = std::get<Marker>(std::move(*record));
  Result<void> rows = loaded.store->load([this](const store::StoredRow& row) -> Result<void> {
    if (row.table >= tables_.size()) {
      return Unexpected(ErrorCode::corrupt, "a row of an unknown table");
    }
    return tables_[row.table]->load(row.key, row.value);
  });
  if (!rows) {
    return distrust(rows.error().message);
  }
  if (state_hash(rows_sum(), loaded.file->registers) != loaded.file->state_hash &&
      !KPAY_PLANT(hash_of_file_unchecked)) {
    return distrust("its rows don't have the hash that its marker tells");
  }
  return {};
}

void Task::on_opened(Loaded& loaded) {
  loading_ = false;
  store_ = std::move(loaded.store);
  if (phase_ != Phase::opening) {
    close_store();
    return;
  }
  if (!loaded.distrust.empty()) {
    tell(TaskNotice::Kind::store_set_aside, loaded.distrust);
    replace_store_ = true;
  }
  if (!loaded.opened) {
    fail("state file: " + loaded.opened.error().message);
    return;
  }
  file_ = std::move(loaded.file);
  phase_ = Phase::checking;
  parts_.port->query_changelog();
}

void Task::on_changelog_bounds(const Result<LogBounds>& bounds) {
  if (!bounds) {
    if (phase_ == Phase::checking || phase_ == Phase::restoring) {
      fail("changelog: " + bounds.error().message);
    }
    return;
  }
  if (phase_ == Phase::checking) {
    changelog_ = *bounds;
    if (changelog_.end == 0 && !file_) {
      // Topics are made before their genesis is written: that is waited for, as the topics are.
      fail("the changelog has no genesis yet: `kpayctl topics apply` writes it");
      return;
    }
    if (changelog_.end <= changelog_.begin) {
      hold("the changelog is empty: its records, genesis too, were deleted");
      return;
    }
    parts_.port->read_changelog(changelog_.begin);
  } else if (phase_ == Phase::restoring) {
    KPAY_FAILPOINT(takeover_acknowledged);
    takeover_target_ = bounds->end;
    if (changelog_position_ >= *takeover_target_) {
      finish_restore();
    }
  }
}

void Task::on_changelog(const LogRecord& record) {
  switch (phase_) {
    case Phase::checking: check_first(record); break;
    case Phase::standby:
    case Phase::restoring: restore(record); break;
    case Phase::running:
    case Phase::stopping: read_back(record); break;
    default: break;
  }
}

std::string Task::identity_fault(const Identity& seen) const {
  const Identity& own = parts_.identity;
  if (seen.cluster_id != own.cluster_id) {
    return "it belongs to cluster " + seen.cluster_id + ", this is " + own.cluster_id;
  }
  if (seen.partitions != own.partitions) {
    return "it was made for " + std::to_string(seen.partitions) + " partitions, the topics have " +
           std::to_string(own.partitions);
  }
  if (seen.topic_ids != own.topic_ids) {
    return "a topic was made anew under its old name (topic ids differ)";
  }
  return {};
}

// R16, R19: before anything is appended, the log itself says whose it is.
void Task::check_first(const LogRecord& record) {
  std::optional<ChangelogRecord> decoded = decode_changelog(record.value);
  const OpenMarker* marker = decoded ? std::get_if<OpenMarker>(&*decoded) : nullptr;
  if (marker == nullptr || (record.offset == 0) != (marker->kind == OpenMarker::Kind::genesis)) {
    if (record.offset == 0 || record.offset + 1 >= changelog_.end) {
      hold("the changelog has neither genesis nor an open marker where one must be");
    }
    return;
  }
  if (std::string fault = identity_fault(marker->identity); !fault.empty()) {
    hold("the changelog is not of these topics: " + fault);
    return;
  }
  parts_.identity.lineage = marker->identity.lineage;
  if (!standby_ && file_ && file_->logic.version > parts_.spec.logic.version) {
    refuse_version(*file_, file_->logic);  // versions only grow, so the log says no less
    return;
  }
  phase_ = standby_ ? Phase::standby : Phase::restoring;
  if (!standby_ || KPAY_PLANT(standby_takes_over)) {
    send_takeover();
  }
  if (file_ && !KPAY_PLANT(file_older_than_log_used) &&
      (file_->epoch < changelog_.begin || file_->epoch >= changelog_.end)) {
    refuse_file(file_->epoch < changelog_.begin ? "older than what is left of the changelog"
                                                : "of an epoch that the changelog doesn't have");
  } else if (file_) {
    restorer_.emplace(tables_, file_);
    parts_.port->read_changelog(file_->epoch);
  } else {
    restorer_.emplace(tables_, std::nullopt);
    restore(record);
  }
}

OpenMarker Task::open_marker(OpenMarker::Kind kind) const {
  OpenMarker marker;
  marker.kind = kind;
  marker.identity = parts_.identity;
  marker.nonce = nonce_;
  marker.owner = parts_.options.owner;
  marker.build = parts_.options.build;
  marker.logic = parts_.spec.logic;
  marker.previous_epoch = epoch_;
  return marker;
}

void Task::send_takeover() {
  if (KPAY_PLANT(no_takeover_marker)) {
    parts_.port->query_changelog();
    return;
  }
  send_changelog(encode(open_marker(OpenMarker::Kind::takeover)), kTagTakeover);
  KPAY_FAILPOINT(after_takeover_marker, parts_.outbox->turn(now_ms_));
}

// The file isn't what the log says: kept under another name, and the log is read from its begin.
void Task::refuse_file(const std::string& why) {
  tell(TaskNotice::Kind::store_set_aside, why);
  parts_.port->stop_changelog();
  restorer_.reset();
  file_.reset();
  replace_store_ = true;
  takeover_offset_.reset();
  changelog_position_ = 0;
  for (TableBase* table : tables_) {
    table->clear();
  }
  auto self = shared_from_this();
  auto moved = std::make_shared<Result<void>>();
  parts_.port->background([store = store_.get(), moved] { *moved = store->set_aside("refuted"); },
                          [self, moved] {
                            if (!self->follows_changelog()) {
                              return;
                            }
                            if (!*moved) {
                              self->fail("state file: " + moved->error().message);
                              return;
                            }
                            self->restorer_.emplace(self->tables_, std::nullopt);
                            self->parts_.port->read_changelog(self->changelog_.begin);
                          });
}

void Task::restore(const LogRecord& record) {
  if (!restorer_ || record.offset < changelog_position_) {
    return;
  }
  if (restored_) {
    follow(record);
    return;
  }
  KPAY_FAILPOINT(while_restoring);
  Result<Verdict> verdict = restorer_->feed(record.offset, record.value);
  changelog_position_ = record.offset + 1;
  if (!verdict) {
    if (file_) {
      refuse_file(verdict.error().message);
    } else {
      hold("the changelog can't be restored: " + verdict.error().message);
    }
    return;
  }
  if (restorer_->file_refuted()) {
    refuse_file("its marker is not the one that the log has");
    return;
  }
  // An owner sees it at its takeover marker; a standby would wait for that for ever.
  if (standby_ && file_ && !restorer_->proven() && changelog_position_ >= changelog_.end) {
    refuse_file("the log never comes to its marker");
    return;
  }
  if (*verdict == Verdict::opened && restorer_->reader().open().nonce == nonce_) {
    takeover_offset_ = record.offset;
  }
  if (takeover_target_ && changelog_position_ >= *takeover_target_) {
    finish_restore();
  }
}

// The state is restored and goes into the file; what comes meanwhile can only be somebody else's.
void Task::follow(const LogRecord& record) {
  ChangelogReader& reader = restorer_->reader();
  changelog_position_ = record.offset + 1;
  if (reader.feed(record.offset, record.value) == Verdict::opened) {
    fence("a newer takeover by " + reader.open().owner);
  }
}

void Task::finish_restore() {
  ChangelogReader& reader = restorer_->reader();
  if (KPAY_PLANT(no_takeover_marker)) {
    takeover_offset_ = reader.epoch();
  }
  if (!takeover_offset_) {
    fail("the takeover marker is acknowledged, but not in the changelog");
    return;
  }
  if (reader.epoch() != *takeover_offset_) {
    fence("a newer takeover by " + reader.open().owner);
    return;
  }
  if (!restorer_->proven()) {
    if (file_) {
      refuse_file("the log never comes to its marker");
    } else {
      hold("the changelog holds no accepted base, and its beginning is gone");
    }
    return;
  }
  const Marker& marker = restorer_->marker();
  if (marker.number > 0) {
    if (state_hash(rows_sum(), marker.registers) != marker.state_hash &&
        !KPAY_PLANT(hash_of_file_unchecked)) {
      if (file_) {
        refuse_file("the restored rows don't have the hash of the last marker");
      } else {
        hold("the restored state doesn't have the hash of marker " + std::to_string(marker.number));
      }
      return;
    }
  }
  if (reader.logic() != parts_.spec.logic && !KPAY_PLANT(started_without_switch)) {
    refuse_version(marker, reader.logic());
    return;
  }
  if (marker.number > 0) {
    last_marker_ = marker;
    last_digest_ = marker.digest();
    registers_ = marker.registers;
  }
  KPAY_FAILPOINT(restored);
  if (!parts_.re_emission) {
    take_over_overrides(restorer_->overrides());
  }
  restored_ = true;
  state_version_ = reader.logic().version;
  epoch_ = *takeover_offset_;
  since_base_ = checkpoints_since_base();
  reader.keep_rows(false);
  store_was_used_ = file_.has_value();
  if (KPAY_PLANT(tail_not_stored)) {
    (void)restorer_->take_tail();
  }
  store_tail();
}

// A base is due by its distance from the last one, whoever wrote that; else owners that restart
// often would never write one. A file's restore need not have met it: then half the way is assumed.
std::uint32_t Task::checkpoints_since_base() const {
  const ChangelogReader& reader = restorer_->reader();
  if (reader.base().number == 0 && !reader.from_genesis()) {
    return parts_.options.base_every / 2;
  }
  const std::uint64_t since = last_marker_.number - reader.base().number;
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(since, parts_.options.base_every));
}

// A standby's file follows, too: what is applied needn't be kept in memory, and a restart begins
// near the end. The file is what `file_` says as soon as that is on its way: a commit that fails
// ends the task, and lets no later one follow it.
void Task::store_followed() {
  if (storing_followed_ || !restorer_ || !restorer_->proven() || restorer_->tail_bytes() == 0 ||
      (restorer_->tail_bytes() < kStandbyStoreBytes &&
       now_ms_ - stored_followed_ms_ < parts_.options.standby_store_ms)) {
    return;
  }
  storing_followed_ = true;
  stored_followed_ms_ = now_ms_;
  stored_followed_ = std::make_shared<Result<void>>();
  const bool replace = replace_store_ || !file_;
  file_ = restorer_->marker();
  replace_store_ = false;
  auto tail = std::make_shared<std::deque<Bytes>>(restorer_->take_tail());
  if (KPAY_PLANT(followed_rows_not_stored)) {
    tail->clear();
  }
  auto self = shared_from_this();
  parts_.port->background(
      [store = store_.get(), marker = encode(*file_), tail, replace, stored = stored_followed_] {
        *stored = commit_bodies(*store, *tail, marker, replace);
      },
      [self, stored = stored_followed_] {
        self->storing_followed_ = false;
        if (KPAY_PLANT(failed_following_forgotten)) {
          *stored = {};
        }
        if (!*stored && self->follows_changelog()) {
          self->fail("state file: " + stored->error().message);
        }
      });
}

// What the log had beyond the file goes into the file, before anything new does.
void Task::store_tail() {
  auto tail = std::make_shared<std::deque<Bytes>>(restorer_->take_tail());
  for (const TableBase* table : tables_) {
    rows_restored_ += table->size();
  }
  if (last_marker_.number == 0 ||
      (tail->empty() && file_ && file_->number == last_marker_.number)) {
    go_on_restored();
    return;
  }
  auto self = shared_from_this();
  auto stored = std::make_shared<Result<void>>();
  const bool replace = replace_store_ || !file_;
  auto work = [store = store_.get(), marker = encode(last_marker_), tail, stored, replace,
               before = stored_followed_] {
    *stored = before && !*before ? *before : commit_bodies(*store, *tail, marker, replace);
  };
  parts_.port->background(std::move(work), [self, stored] {
    if (self->phase_ != Phase::restoring) {
      return;
    }
    if (!*stored) {
      self->fail("state file: " + stored->error().message);
      return;
    }
    self->go_on_restored();
  });
}

}  // namespace kpay::stream
