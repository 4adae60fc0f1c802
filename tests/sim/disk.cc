#include "sim/disk.h"

namespace kpay::sim {

namespace {

constexpr std::size_t kEarlierMax = 4;

struct OwnedRow {
  std::uint16_t table = 0;
  Bytes key;
  Bytes value;
};

std::vector<OwnedRow> rows_of(store::MemoryStore& store) {
  std::vector<OwnedRow> rows;
  const Result<void> loaded = store.load([&](const store::StoredRow& row) -> Result<void> {
    rows.push_back({row.table, to_bytes(row.key), to_bytes(*row.value)});
    return {};
  });
  check(loaded.has_value(), "a store in memory can be read");
  return rows;
}

std::vector<store::StoredRow> views_of(const std::vector<OwnedRow>& rows) {
  std::vector<store::StoredRow> views;
  for (const OwnedRow& row : rows) {
    views.push_back({row.table, row.key, ByteView(row.value)});
  }
  return views;
}

void write(store::MemoryStore& store, const std::vector<OwnedRow>& rows, ByteView marker,
           bool replace) {
  std::vector<store::StoredRow> views = views_of(rows);
  check(store.commit(views, marker, replace).has_value(), "a store in memory can be written");
}

}  // namespace

const char* to_string(Damage damage) noexcept {
  switch (damage) {
    case Damage::none: return "nothing";
    case Damage::gone: return "gone";
    case Damage::torn: return "torn";
    case Damage::flipped: return "a bit flipped";
    case Damage::swapped: return "swapped";
    case Damage::rolled_back: return "rolled back";
  }
  return "?";
}

class Disk::Handle final : public store::StateStore {
 public:
  Handle(Disk& disk, std::shared_ptr<Slot> slot, const Place& place, CommitHook hook)
      : disk_(&disk), slot_(std::move(slot)), place_(place), hook_(std::move(hook)) {
    slot_->open = true;
  }
  ~Handle() override { slot_->open = false; }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<std::optional<Bytes>> marker() override { return slot_->store.marker(); }
  Result<void> load(const std::function<Result<void>(const store::StoredRow&)>& sink) override {
    return slot_->store.load(sink);
  }
  Result<void> commit(std::vector<store::StoredRow>& rows, ByteView marker, bool replace) override;
  Result<std::vector<store::KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                             std::size_t limit) override {
    return slot_->store.range(table, from, to, limit);
  }
  Result<void> set_aside(const std::string& why) override {
    slot_->has_state = false;
    return slot_->store.set_aside(why);
  }

 private:
  Disk* disk_;
  std::shared_ptr<Slot> slot_;
  Place place_;
  CommitHook hook_;
};

Result<void> Disk::Handle::commit(std::vector<store::StoredRow>& rows, ByteView marker,
                                  bool replace) {
  if (!hook_(place_, true)) {
    return Unexpected(ErrorCode::io, "the process is gone");
  }
  if (slot_->failing > 0) {
    --slot_->failing;
    slot_->failed = true;
    return Unexpected(ErrorCode::io, "disk full");
  }
  if (slot_->has_state && disk_->dice_->one_in(3)) {
    slot_->earlier.push_back(slot_->store);
    if (slot_->earlier.size() > kEarlierMax) {
      slot_->earlier.pop_front();
    }
  }
  Result<void> done = slot_->store.commit(rows, marker, replace);
  slot_->has_state = true;
  slot_->recovered = slot_->recovered || slot_->failed;
  slot_->failed = false;
  (void)hook_(place_, false);
  return done;
}

Result<std::unique_ptr<store::StateStore>> Disk::open(const Place& place, CommitHook hook) {
  std::shared_ptr<Slot>& slot = slots_[place];
  if (!slot) {
    slot = std::make_shared<Slot>();
  }
  if (slot->open) {
    return Unexpected(ErrorCode::conflict, "another task has this state file open");
  }
  return std::unique_ptr<store::StateStore>(
      std::make_unique<Handle>(*this, slot, place, std::move(hook)));
}

// New rows with the old marker, or the new marker over rows of which some stayed as they were.
bool Disk::tear(Slot& slot) {
  if (slot.earlier.empty()) {
    return false;
  }
  const Bytes marker = slot.store.marker().value().value();
  std::vector<OwnedRow> rows = rows_of(slot.store);
  store::MemoryStore torn = slot.earlier.back();
  const Bytes old_marker = torn.marker().value().value();
  const bool new_marker = dice_->one_in(2);
  rows.resize(rows.size() / 2);
  write(torn, rows, new_marker ? marker : old_marker, false);
  slot.store = std::move(torn);
  return true;
}

bool Disk::flip(Slot& slot) {
  if (dice_->one_in(4)) {
    Bytes marker = slot.store.marker().value().value();
    marker[dice_->index(marker.size())] ^= static_cast<std::byte>(1U << dice_->below(8));
    write(slot.store, {}, marker, false);
    return true;
  }
  std::vector<OwnedRow> rows = rows_of(slot.store);
  if (rows.empty()) {
    return false;
  }
  OwnedRow& row = rows[dice_->index(rows.size())];
  Bytes& bytes = dice_->one_in(4) ? row.key : row.value;
  if (bytes.empty()) {
    return false;
  }
  bytes[dice_->index(bytes.size())] ^= static_cast<std::byte>(1U << dice_->below(8));
  write(slot.store, rows, slot.store.marker().value().value(), true);
  return true;
}

bool Disk::damage(const Place& place, Damage how, const Place& other) {
  const auto found = slots_.find(place);
  if (found == slots_.end() || found->second->open || !found->second->has_state) {
    return false;
  }
  Slot& slot = *found->second;
  bool done = true;
  switch (how) {
    case Damage::none: return false;
    case Damage::gone: slot = Slot{}; break;
    case Damage::torn: done = tear(slot); break;
    case Damage::flipped: done = flip(slot); break;
    case Damage::swapped: {
      const auto with = slots_.find(other);
      if (with == slots_.end() || with->second->open || !with->second->has_state ||
          other == place) {
        return false;
      }
      std::swap(slot.store, with->second->store);
      with->second->damage = how;
      break;
    }
    case Damage::rolled_back:
      done = !slot.earlier.empty();
      if (done) {
        slot.store = slot.earlier[dice_->index(slot.earlier.size())];
      }
      break;
  }
  if (done) {
    slot.damage = how;
  }
  return done;
}

void Disk::lose_all() {
  for (auto& [place, slot] : slots_) {
    if (!slot->open && slot->has_state) {
      *slot = Slot{};
      slot->damage = Damage::gone;
    }
  }
}

void Disk::fail_commits(const Place& place, int count) {
  const auto found = slots_.find(place);
  if (found != slots_.end()) {
    found->second->failing = count;
  }
}

Damage Disk::damage_of(const Place& place) const {
  const auto found = slots_.find(place);
  return found == slots_.end() ? Damage::none : found->second->damage;
}

void Disk::settle(const Place& place) {
  const auto found = slots_.find(place);
  if (found != slots_.end()) {
    found->second->damage = Damage::none;
  }
}

bool Disk::take_recovered_commit(const Place& place) {
  const auto found = slots_.find(place);
  return found != slots_.end() && std::exchange(found->second->recovered, false);
}

}  // namespace kpay::sim
