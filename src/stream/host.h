// Host: the tasks of one worker thread, from assignment to release.
//
// It makes a task when a partition is assigned, drives it, and makes it anew after a growing random
// pause when it was fenced though the partition is still ours, or when the world failed it (R16).
// A held task stays as it is, for an operator; the others go on (R23).
//
// Threads: one. Everything about a task happens in turn() or in calls from the same thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "stream/outbox.h"
#include "stream/task.h"
#include "stream/topics.h"

namespace kpay::stream {

class Host {
 public:
  using StoreMaker = std::function<Result<std::unique_ptr<store::StateStore>>(
      const StageSpec& spec, std::int32_t partition, const Identity& identity)>;
  using PortMaker =
      std::function<std::unique_ptr<TaskPort>(const StageSpec& spec, std::int32_t partition)>;
  using NoticeSink =
      std::function<void(const StageSpec& spec, std::int32_t partition, const TaskNotice& notice)>;

  struct Parts {
    const std::vector<StageSpec>* specs = nullptr;
    const TopicTable* topics = nullptr;
    std::string cluster_id;
    std::int32_t partitions = 0;
    TaskOptions options;
    Outbox* outbox = nullptr;
    PortMaker make_port;
    StoreMaker make_store;
    std::function<Uuid()> make_nonce;
    NoticeSink notice;
    std::uint64_t random_seed = 0;  ///< for the pauses
  };

  explicit Host(Parts parts) : parts_(std::move(parts)), random_(parts_.random_seed) {}
  ~Host();

  /// The partition is ours: takes it over.
  void assign(std::size_t spec, std::int32_t partition, std::int64_t now_ms);
  /// It will be somebody else's: finishes what is in hand and writes a clean marker.
  void release(std::size_t spec, std::int32_t partition);
  /// It is somebody else's already: drops everything at once.
  void lose(std::size_t spec, std::int32_t partition);
  void release_all();
  /// Follows the changelogs of these partitions of a stage, and of no others, as far as they are
  /// not ours. An assignment then finds the state here (R18).
  void set_standbys(std::size_t spec, const std::vector<std::int32_t>& partitions,
                    std::int64_t now_ms);

  /// What two people want of a record of the partition's input (R23): the task here, and each later
  /// one, comes to the record with it. One that is held takes over again.
  void want_override(std::size_t spec, std::int32_t partition, const OperatorAnswer& answer,
                     std::int64_t now_ms);

  /// Has the owner of the partition take over again, and tell once more what follows from that
  /// state (R26). False when it doesn't run here.
  bool re_emit(std::size_t spec, std::int32_t partition, std::shared_ptr<const ReEmission> from,
               std::int64_t now_ms);

  /// Drives every task once. True when there was something to do.
  bool turn(std::int64_t now_ms);

  /// True when no released task is still at work.
  [[nodiscard]] bool all_released() const noexcept;
  [[nodiscard]] std::size_t size() const noexcept { return slots_.size(); }
  /// The task, or null. Standbys are not among the tasks.
  [[nodiscard]] std::shared_ptr<Task> find(std::size_t spec, std::int32_t partition) const;
  [[nodiscard]] std::vector<std::shared_ptr<Task>> tasks() const;
  [[nodiscard]] std::vector<std::shared_ptr<Task>> standbys() const;

  /// Pauses or resumes the input of all tasks of a stage, present and future (when, not what).
  void set_paused(std::size_t spec, bool paused);

 private:
  struct Slot {
    std::size_t spec = 0;
    std::int32_t partition = 0;
    std::shared_ptr<Task> task;
    bool releasing = false;
    bool standby = false;
    int tries = 0;
    std::int64_t retry_ms = -1;  // when to take over again; -1 when not
    std::shared_ptr<const ReEmission> re_emission{};
  };

  void open(Slot& slot, std::int64_t now_ms);
  void watch(Slot& slot, std::int64_t now_ms);
  [[nodiscard]] std::vector<std::shared_ptr<Task>> tasks_of(bool standby) const;
  [[nodiscard]] Slot* slot_of(std::size_t spec, std::int32_t partition);

  Parts parts_;
  std::minstd_rand random_;
  std::vector<Slot> slots_;
  std::vector<bool> paused_;
  std::map<std::pair<std::size_t, std::int32_t>, std::vector<OperatorAnswer>> overrides_;
};

}  // namespace kpay::stream
