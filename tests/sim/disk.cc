#include "sim/disk.h"

#include <utility>

#include "base/check.h"

namespace kpay::sim {

namespace {

constexpr std::size_t kEarlierMax = 4;

}  // namespace

const char* to_string(Damage damage) noexcept {
  switch (damage) {
    case Damage::none: return "nothing";
    case Damage::gone: return "gone";
    case Damage::torn: return "torn";
    case Damage::flipped: return "a bit flipped";
    case Damage::swapped: return "swapped";
    case Damage::rolled_back: return "rolled back";
    case Damage::unsynced: return "without its last commits";
  }
  return "?";
}

class Disk::Handle final : public store::StateStore {
 public:
  Handle(Dice& dice, std::shared_ptr<Slot> slot, const Place& place,
         std::unique_ptr<store::StateStore> store, CommitHook hook, const bool& crashing)
      : dice_(&dice),
        crashing_(&crashing),
        slot_(std::move(slot)),
        place_(place),
        store_(std::move(store)),
        hook_(std::move(hook)) {
    slot_->open = true;
  }
  ~Handle() override {
    slot_->open = false;
    if (!*crashing_) {
      slot_->medium->settle();
    }
  }
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;

  Result<std::optional<Bytes>> marker() override { return store_->marker(); }
  Result<void> load(const std::function<Result<void>(const store::StoredRow&)>& sink) override {
    return store_->load(sink);
  }
  Result<void> commit(std::vector<store::StoredRow>& rows, ByteView marker, bool replace) override;
  Result<std::vector<store::KeyValue>> range(std::uint16_t table, ByteView from, ByteView to,
                                             std::size_t limit) override {
    return store_->range(table, from, to, limit);
  }
  Result<void> set_aside(const std::string& why) override {
    slot_->has_state = slot_->had_state = false;
    return store_->set_aside(why);
  }

 private:
  Dice* dice_;
  const bool* crashing_;
  std::shared_ptr<Slot> slot_;
  Place place_;
  std::unique_ptr<store::StateStore> store_;
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
  if (slot_->has_state && dice_->one_in(3)) {
    slot_->earlier.push_back(slot_->medium->image());
    if (slot_->earlier.size() > kEarlierMax) {
      slot_->earlier.pop_front();
    }
  }
  Result<void> done = store_->commit(rows, marker, replace);
  if (done) {
    slot_->has_state = true;
    slot_->last_marker = to_bytes(marker);
  }
  slot_->recovered = slot_->recovered || slot_->failed;
  slot_->failed = false;
  (void)hook_(place_, false);
  return done;
}

const Disk::Slot* Disk::find(const Place& place) const {
  const auto found = slots_.find(place);
  return found == slots_.end() ? nullptr : found->second.get();
}

Disk::Slot* Disk::find(const Place& place) {
  return const_cast<Slot*>(std::as_const(*this).find(place));
}

Result<std::unique_ptr<store::StateStore>> Disk::open(const Place& place, const Bytes& identity,
                                                      CommitHook hook) {
  std::shared_ptr<Slot>& slot = slots_[place];
  if (!slot) {
    slot = std::make_shared<Slot>();
    const std::string name =
        std::to_string(place.stage) + "-" + std::to_string(place.partition) + ".db";
    slot->medium = folder_.empty() ? make_memory_medium() : make_file_medium(folder_ / name);
  }
  if (slot->open) {
    return Unexpected(ErrorCode::conflict, "another task has this state file open");
  }
  Result<std::unique_ptr<store::StateStore>> store = slot->medium->open(identity);
  if (!store) {
    return store;
  }
  const Result<std::optional<Bytes>> marker = (*store)->marker();
  const Bytes found = marker && *marker ? **marker : Bytes{};
  slot->lost_commits = false;
  if (slot->damage == Damage::unsynced) {
    check(marker && !slot->medium->put_away(), "what a power cut leaves is whole");
    slot->has_state = !found.empty();
    slot->lost_commits = slot->has_state && found != slot->last_marker;
  }
  slot->last_marker = found;
  slot->had_state = slot->has_state;
  return std::unique_ptr<store::StateStore>(
      std::make_unique<Handle>(*dice_, slot, place, std::move(*store), std::move(hook), crashing_));
}

// Closing a file tidies it up, as kill -9 doesn't.
void Disk::crash(const std::function<void()>& end) {
  std::vector<std::pair<Medium*, Image>> images;
  for (const auto& [place, slot] : slots_) {
    if (slot->open && !folder_.empty()) {
      images.emplace_back(slot->medium.get(), slot->medium->image());
    }
  }
  crashing_ = true;
  end();
  crashing_ = false;
  for (const auto& [medium, image] : images) {
    medium->put(image);
  }
}

// What was damaged before stays so: it is set aside for that.
std::vector<Place> Disk::lose_unsynced() {
  std::vector<Place> places;
  for (auto& [place, slot] : slots_) {
    check(!slot->open, "a process dies before its host's power is gone");
    if (!slot->has_state || !slot->medium->lose_unsynced(*dice_)) {
      continue;
    }
    slot->earlier.clear();
    if (slot->damage == Damage::none) {
      slot->damage = Damage::unsynced;
      places.push_back(place);
    }
  }
  return places;
}

bool Disk::do_damage(Slot& slot, Damage how, const Place& other) {
  switch (how) {
    case Damage::none: return false;
    case Damage::gone:
      slot.medium->put({});
      slot.earlier.clear();
      slot.has_state = false;
      return true;
    case Damage::torn:
      if (slot.earlier.empty()) {
        return false;
      }
      slot.medium->tear(*dice_, slot.earlier.back());
      return true;
    case Damage::flipped: return slot.medium->flip(*dice_);
    case Damage::swapped: {
      Slot* with = find(other);
      if (with == nullptr || with->open || !with->has_state || with == &slot) {
        return false;
      }
      const Image mine = slot.medium->image();
      slot.medium->put(with->medium->image());
      with->medium->put(mine);
      with->damage = how;
      return true;
    }
    case Damage::rolled_back:
      if (slot.earlier.empty()) {
        return false;
      }
      slot.medium->put(slot.earlier[dice_->index(slot.earlier.size())]);
      return true;
    case Damage::unsynced: return slot.medium->lose_unsynced(*dice_);
  }
  return false;
}

bool Disk::damage(const Place& place, Damage how, const Place& other) {
  Slot* slot = find(place);
  if (slot == nullptr || slot->open || !slot->has_state || !do_damage(*slot, how, other)) {
    return false;
  }
  slot->damage = how;
  return true;
}

void Disk::lose_all() {
  for (auto& [place, slot] : slots_) {
    if (!slot->open && slot->has_state) {
      (void)damage(place, Damage::gone, place);
    }
  }
}

void Disk::fail_commits(const Place& place, int count) {
  if (Slot* slot = find(place)) {
    slot->failing = count;
  }
}

Damage Disk::damage_of(const Place& place) const {
  const Slot* slot = find(place);
  return slot == nullptr ? Damage::none : slot->damage;
}

void Disk::settle(const Place& place) {
  if (Slot* slot = find(place)) {
    slot->damage = Damage::none;
  }
}

bool Disk::had_state(const Place& place) const {
  const Slot* slot = find(place);
  return slot != nullptr && slot->had_state;
}

bool Disk::lost_commits(const Place& place) const {
  const Slot* slot = find(place);
  return slot != nullptr && slot->lost_commits;
}

bool Disk::take_recovered_commit(const Place& place) {
  Slot* slot = find(place);
  return slot != nullptr && std::exchange(slot->recovered, false);
}

}  // namespace kpay::sim
