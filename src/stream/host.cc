#include "stream/host.h"

#include <algorithm>

#include "base/check.h"
#include "base/plant.h"

namespace kpay::stream {

namespace {

constexpr std::int64_t kRetryFirstMs = 200;
constexpr std::int64_t kRetryMostMs = 10'000;
constexpr int kTriesCounted = 6;  // doublings until the pause grows no more

}  // namespace

Host::~Host() {
  for (Slot& slot : slots_) {
    slot.task->drop();
  }
}

Host::Slot* Host::slot_of(std::size_t spec, std::int32_t partition) {
  const auto found = std::find_if(slots_.begin(), slots_.end(), [&](const Slot& slot) {
    return slot.spec == spec && slot.partition == partition;
  });
  return found == slots_.end() ? nullptr : &*found;
}

void Host::open(Slot& slot, std::int64_t now_ms) {
  const StageSpec& spec = (*parts_.specs)[slot.spec];
  Task::Parts parts;
  parts.spec = spec;
  parts.partition = slot.partition;
  parts.identity = parts_.topics->identity_for(spec, parts_.cluster_id, parts_.partitions);
  parts.topics = parts_.topics->topics_for(spec);
  parts.options = parts_.options;
  parts.outbox = parts_.outbox;
  parts.port = parts_.make_port(spec, slot.partition);
  parts.open_store = [make = parts_.make_store, spec, partition = slot.partition,
                      identity = parts.identity] { return make(spec, partition, identity); };
  parts.make_nonce = parts_.make_nonce;
  if (const auto found = overrides_.find({slot.spec, slot.partition}); found != overrides_.end()) {
    parts.overrides = found->second;
  }
  parts.re_emission = slot.re_emission;
  if (parts_.notice) {
    parts.notice = [sink = parts_.notice, spec, partition = slot.partition](
                       const TaskNotice& notice) { sink(spec, partition, notice); };
  }
  slot.task = std::make_shared<Task>(std::move(parts));
  slot.task->set_paused(slot.spec < paused_.size() && paused_[slot.spec]);
  slot.retry_ms = -1;
  slot.task->start(now_ms, slot.standby ? Task::Role::standby : Task::Role::owner);
}

void Host::assign(std::size_t spec, std::int32_t partition, std::int64_t now_ms) {
  check(spec < parts_.specs->size(), "a stage that is assigned is known");
  if (Slot* slot = slot_of(spec, partition)) {
    if (slot->standby) {
      if (KPAY_PLANT(assigned_standby_not_promoted)) {
        return;
      }
      slot->standby = false;
      slot->tries = 0;
      slot->task->promote();
      return;  // one that has let go is made anew in its time, as an owner
    }
    if (!slot->releasing || KPAY_PLANT(assignment_ignored_while_releasing)) {
      return;
    }
    slot->task->drop();
    slot->releasing = false;
    open(*slot, now_ms);
    return;
  }
  slots_.push_back({spec, partition, nullptr, false, false, 0, -1});
  open(slots_.back(), now_ms);
}

void Host::set_standbys(std::size_t spec, const std::vector<std::int32_t>& partitions,
                        std::int64_t now_ms) {
  check(spec < parts_.specs->size(), "a stage that is followed is known");
  std::erase_if(slots_, [&](const Slot& slot) {
    const bool gone =
        slot.standby && slot.spec == spec &&
        std::find(partitions.begin(), partitions.end(), slot.partition) == partitions.end();
    if (gone) {
      slot.task->drop();
    }
    return gone;
  });
  for (const std::int32_t partition : partitions) {
    if (slot_of(spec, partition) == nullptr) {
      slots_.push_back({spec, partition, nullptr, false, true, 0, -1});
      open(slots_.back(), now_ms);
    }
  }
}

void Host::want_override(std::size_t spec, std::int32_t partition, const OperatorAnswer& answer,
                         std::int64_t now_ms) {
  std::vector<OperatorAnswer>& wanted = overrides_[{spec, partition}];
  const bool known = std::any_of(wanted.begin(), wanted.end(), [&](const OperatorAnswer& each) {
    return each.record.id == answer.record.id;
  });
  if (known) {
    return;
  }
  wanted.push_back(answer);
  Slot* slot = slot_of(spec, partition);
  if (slot == nullptr) {
    return;
  }
  slot->task->want_override(answer);
  if (slot->task->phase() == Phase::held && !slot->releasing) {
    open(*slot, now_ms);
  }
}

bool Host::re_emit(std::size_t spec, std::int32_t partition, std::shared_ptr<const ReEmission> from,
                   std::int64_t now_ms) {
  Slot* slot = slot_of(spec, partition);
  if (slot == nullptr || slot->standby || slot->releasing ||
      slot->task->phase() != Phase::running) {
    return false;
  }
  slot->re_emission = std::move(from);
  slot->task->drop();
  open(*slot, now_ms);
  return true;
}

void Host::release(std::size_t spec, std::int32_t partition) {
  if (Slot* slot = slot_of(spec, partition); slot != nullptr && !slot->standby) {
    slot->releasing = true;
    slot->task->stop();
  }
}

void Host::release_all() {
  std::erase_if(slots_, [](const Slot& slot) {
    if (slot.standby) {
      slot.task->drop();
    }
    return slot.standby;
  });
  for (Slot& slot : slots_) {
    slot.releasing = true;
    slot.task->stop();
  }
}

void Host::lose(std::size_t spec, std::int32_t partition) {
  if (Slot* slot = slot_of(spec, partition); slot != nullptr && !slot->standby) {
    slot->task->drop();
    std::erase_if(slots_, [&](const Slot& each) { return &each == slot; });
  }
}

bool Host::turn(std::int64_t now_ms) {
  bool busy = false;
  for (Slot& slot : slots_) {
    busy = slot.task->port().pump(*slot.task) || busy;
    slot.task->turn(now_ms);
    watch(slot, now_ms);
  }
  parts_.outbox->turn(now_ms);
  std::erase_if(slots_, [](const Slot& slot) {
    const Phase phase = slot.task->phase();
    return slot.releasing &&
           (phase == Phase::stopped || phase == Phase::switched || phase == Phase::fenced ||
            phase == Phase::failed || phase == Phase::held);
  });
  return busy;
}

// A task that let go though the partition is ours is made anew, later and later.
void Host::watch(Slot& slot, std::int64_t now_ms) {
  const Phase phase = slot.task->phase();
  if (slot.re_emission && !slot.task->re_emission_pending()) {
    slot.re_emission.reset();
  }
  if (phase == Phase::running || phase == Phase::standby) {
    if (slot.tries > 0 && (slot.standby || slot.task->status().checkpoints > 0)) {
      slot.tries = 0;
    }
    return;
  }
  if (slot.releasing || KPAY_PLANT(never_taken_over_again) ||
      (phase != Phase::fenced && phase != Phase::failed)) {
    return;
  }
  if (slot.retry_ms < 0) {
    const std::int64_t pause =
        std::min(kRetryMostMs, kRetryFirstMs << std::min(slot.tries, kTriesCounted));
    slot.retry_ms =
        now_ms + pause + static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(pause));
    ++slot.tries;
  } else if (now_ms >= slot.retry_ms) {
    open(slot, now_ms);
  }
}

bool Host::all_released() const noexcept {
  return std::none_of(slots_.begin(), slots_.end(),
                      [](const Slot& slot) { return slot.releasing; });
}

std::shared_ptr<Task> Host::find(std::size_t spec, std::int32_t partition) const {
  for (const Slot& slot : slots_) {
    if (slot.spec == spec && slot.partition == partition && !slot.standby) {
      return slot.task;
    }
  }
  return nullptr;
}

std::vector<std::shared_ptr<Task>> Host::tasks_of(bool standby) const {
  std::vector<std::shared_ptr<Task>> tasks;
  for (const Slot& slot : slots_) {
    if (slot.standby == standby) {
      tasks.push_back(slot.task);
    }
  }
  return tasks;
}

std::vector<std::shared_ptr<Task>> Host::tasks() const { return tasks_of(false); }

std::vector<std::shared_ptr<Task>> Host::standbys() const { return tasks_of(true); }

void Host::set_paused(std::size_t spec, bool paused) {
  paused_.resize(parts_.specs->size(), false);
  paused_[spec] = paused;
  for (Slot& slot : slots_) {
    if (slot.spec == spec) {
      slot.task->set_paused(paused);
    }
  }
}

}  // namespace kpay::stream
