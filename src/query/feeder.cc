#include "query/feeder.h"

#include "base/time.h"
#include "query/limits.h"

namespace kpay::query {

Feeder::Feeder(std::unique_ptr<Index> index, std::function<void(const Error&)> failed)
    : index_(std::move(index)), failed_(std::move(failed)) {
  progress_.kept_from_ms = index_->kept_from_ms();
  progress_.as_of_ms = index_->as_of_ms();
  thread_ = std::thread([this] { run(); });
}

Feeder::~Feeder() {
  if (!filling_.items.empty()) {
    hand_over();
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

// ---- the auditor's thread

Item& Feeder::add(Item::Kind kind, const audit::Place& place, Timestamp appended,
                  ByteView payload) {
  if (filling_.items.size() >= limits::batch_events_max) {
    hand_over();
  }
  Item& item = filling_.items.emplace_back();
  item.kind = kind;
  item.place = place;
  item.appended = appended;
  item.begin = filling_.bytes.size();
  item.size = payload.size();
  filling_.bytes.insert(filling_.bytes.end(), payload.begin(), payload.end());
  return item;
}

void Feeder::command(const audit::Place& place, Timestamp appended, ByteView value) {
  add(Item::Kind::command, place, appended, value);
}

void Feeder::event(const audit::Place& place, Timestamp appended, const audit::Cause& cause,
                   const stream::EventHeader& header, ByteView payload) {
  Item& item = add(Item::Kind::event, place, appended, payload);
  item.cause = cause;
  item.time = header.time;
  item.id = header.subject;
}

void Feeder::result(const audit::Place& place, Timestamp appended, ByteView value) {
  add(Item::Kind::result, place, appended, value);
}

void Feeder::posted(const audit::Place& place, const audit::Entry& entry,
                    const core::AccountId& account, const core::Sum& balance) {
  Item& item = add(Item::Kind::posted, place, entry.appended, {});
  item.entry = entry.kind;
  item.id = entry.id;
  item.account = account;
  item.currency = entry.currency;
  item.delta = entry.delta;
  item.balance = balance;
}

void Feeder::carried(std::int32_t partition, const core::AccountId& account,
                     core::Currency currency, const core::Sum& balance) {
  Item& item = add(Item::Kind::carried, {audit::Topic::inflight, partition, -1, 0}, {}, {});
  item.entry = audit::EntryKind::other;
  item.account = account;
  item.currency = currency;
  item.balance = balance;
}

void Feeder::opened(std::uint16_t stage, std::int32_t partition, std::int64_t offset,
                    Timestamp appended, const stream::OpenMarker& open) {
  Bytes payload;
  ByteWriter out(payload);
  out.sized(open.owner);
  out.sized(open.build);
  out.put(open.logic.version);
  out.sized(to_string(open.logic.rules_hash));
  Item& item = add(Item::Kind::opened, {audit::changelog_of(stage), partition, offset, 0}, appended,
                   payload);
  item.cause.stage = stage;
}

void Feeder::tick(std::int64_t as_of_ms, std::int64_t now_ms) {
  filling_.as_of_ms = as_of_ms;
  if (!filling_.items.empty()) {
    if (now_ms - handed_over_ms_ >= limits::batch_ms_max) {
      handed_over_ms_ = now_ms;
      hand_over();
    }
    return;
  }
  const std::lock_guard lock(mutex_);
  if (queue_.empty() && !writing_) {
    progress_.as_of_ms = std::max(progress_.as_of_ms, as_of_ms);
  }
}

void Feeder::hand_over() {
  const std::int64_t as_of_ms = filling_.as_of_ms;
  {
    std::unique_lock lock(mutex_);
    const std::int64_t begin_ms = monotonic_ms();
    changed_.wait(lock,
                  [this] { return queue_.size() < limits::batches_max || error_.has_value(); });
    progress_.waited_ms += static_cast<std::uint64_t>(monotonic_ms() - begin_ms);
    if (!error_) {
      progress_.waiting_events += filling_.items.size();
      queue_.push_back(std::move(filling_));
    }
  }
  changed_.notify_all();
  filling_ = {};
  filling_.as_of_ms = as_of_ms;
}

Result<void> Feeder::flush(std::int64_t as_of_ms, audit::Offsets next) {
  filling_.as_of_ms = as_of_ms;
  filling_.cut = std::move(next);
  hand_over();
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return (queue_.empty() && !writing_) || error_.has_value(); });
  return error_ ? Result<void>(Unexpected(*error_)) : Result<void>();
}

// ---- the writer's

void Feeder::run() {
  for (;;) {
    std::vector<Batch> batches;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return !queue_.empty() || stopping_; });
      if (queue_.empty() || error_) {
        return;
      }
      // All that wait in one transaction: rows of an account then share its pages, and the further
      // the writer is behind, the less a row costs.
      batches = std::move(queue_);
      queue_.clear();
      writing_ = true;
    }
    changed_.notify_all();
    write(batches);
    changed_.notify_all();
  }
}

void Feeder::write(const std::vector<Batch>& batches) {
  const std::int64_t begin_ms = monotonic_ms();
  const Result<void> written = index_->write(batches);
  if (!written && written.error().code == ErrorCode::corrupt) {
    (void)store::Database::set_aside(index_->path(), "damaged");
  }
  {
    const std::lock_guard lock(mutex_);
    writing_ = false;
    for (const Batch& batch : batches) {
      progress_.waiting_events -= batch.items.size();
    }
    progress_.written_ms += static_cast<std::uint64_t>(monotonic_ms() - begin_ms);
    if (written) {
      progress_.as_of_ms = std::max(progress_.as_of_ms, batches.back().as_of_ms);
      progress_.kept_from_ms = index_->kept_from_ms();
      progress_.counts = index_->counts();
      return;
    }
    error_ = written.error();
    queue_.clear();
  }
  failed_(written.error());
}

Progress Feeder::progress() const {
  const std::lock_guard lock(mutex_);
  return progress_;
}

}  // namespace kpay::query
