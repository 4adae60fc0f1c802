// World: one log, some hosts with their disks and processes, one clock; everything in one thread.
// The tasks are the real ones with all real stages; what surrounds them is simulated here.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "sim/chain.h"
#include "sim/coverage.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/link.h"
#include "sim/trace.h"
#include "sim/traps.h"
#include "stages/specs.h"

namespace kpay::sim {

/// What a seed decides before anything runs.
struct Setting {
  std::uint64_t seed = 0;
  std::int32_t partitions = 2;
  std::size_t hosts = 3;
  stream::TaskOptions task;
  std::int64_t latency_ms_max = 10;
  int commands = 150;
  std::filesystem::path files{};  ///< a folder for real state files; empty: they lie in memory
  std::int64_t faults_ms = 6000;  ///< length of the phase with faults
};
[[nodiscard]] Setting setting_of(std::uint64_t seed);

/// A host: its disk outlives its processes, of which it has one at a time.
struct Node {
  std::size_t number = 0;
  std::unique_ptr<Disk> disk;
  std::shared_ptr<Link> link;
  std::unique_ptr<stream::MemoryProcess> process;
  Steps steps;
  std::optional<Trap> trap;
  std::optional<std::pair<Line, Place>> stopped_in;  ///< where it was frozen
  int boots = 0;
  bool dying = false;
  bool frozen = false;
  std::int64_t wake_ms = 0;
  std::int64_t restart_ms = 0;
  std::int64_t last_seen_ms = 0;               ///< by the group
  std::map<std::size_t, std::int64_t> paused;  ///< stages whose input is paused, until when

  [[nodiscard]] bool awake() const noexcept { return process != nullptr && !frozen; }
  [[nodiscard]] std::string name() const { return "node" + std::to_string(number); }
};

class World {
 public:
  World(const Setting& setting, Trace& trace);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // ---- what is there
  [[nodiscard]] const Setting& setting() const noexcept { return setting_; }
  [[nodiscard]] const std::vector<stream::StageSpec>& specs() const noexcept { return specs_; }
  [[nodiscard]] const stream::TopicTable& topics() const noexcept { return topics_; }
  [[nodiscard]] stream::MemoryLog& log() noexcept { return log_; }
  [[nodiscard]] std::vector<Node>& nodes() noexcept { return nodes_; }
  [[nodiscard]] const std::vector<Place>& places() const noexcept { return places_; }
  [[nodiscard]] const Chain& chain(const Place& place) const { return chains_.at(place); }
  [[nodiscard]] std::int64_t now_ms() const noexcept { return now_ms_; }
  [[nodiscard]] Dice& dice() noexcept { return dice_; }
  [[nodiscard]] Trace& trace() noexcept { return *trace_; }
  [[nodiscard]] Coverage& coverage() noexcept { return coverage_; }
  /// The first thing that may never happen, as it happened; empty when nothing did.
  [[nodiscard]] const std::string& fault() const noexcept { return fault_; }

  // ---- time
  /// Moves the clock on; every process that runs may take a step.
  void tick(std::int64_t ms);
  /// The broker's clock goes that much ahead of the hosts'.
  void set_skew(std::int64_t ms);
  [[nodiscard]] std::int64_t skew_ms() const noexcept { return skew_ms_; }
  /// From here on nothing goes wrong by chance.
  void be_calm() { calm_ = true; }
  [[nodiscard]] bool calm() const noexcept { return calm_; }
  /// What clients' clocks say: that of the hosts.
  [[nodiscard]] Timestamp client_time() const;

  // ---- hosts
  void boot(Node& node);
  void kill(Node& node);
  void freeze(Node& node, std::int64_t ms);
  /// The control plane pauses a stage's input on a host (when, not what).
  void pause(Node& node, std::size_t stage, std::int64_t ms);
  void wake(Node& node);

  // ---- the log
  std::int64_t append(stream::TopicIndex topic, std::int32_t partition, ByteView key,
                      ByteView value);
  void stall(stream::TopicIndex topic, std::int32_t partition, std::int64_t ms);
  [[nodiscard]] bool links_idle() const;

  // ---- for links
  /// False: the process died on the way to handing it over.
  bool before_parcel(std::size_t node, const Parcel& parcel);
  void after_parcel(std::size_t node, const Parcel& parcel);
  void arrive(const Parcel& parcel, bool sender_is_gone);
  void lose_queue(const Parcel& first);
  [[nodiscard]] std::int64_t latency();
  [[nodiscard]] bool queue_is_full();
  [[nodiscard]] bool refuses_first(const Parcel& parcel);
  [[nodiscard]] std::int64_t stalled_until(stream::TopicIndex topic, std::int32_t partition) const;
  [[nodiscard]] std::int64_t epoch_of(stream::TopicIndex topic, std::int32_t partition) const;
  void delete_before(stream::TopicIndex topic, std::int32_t partition, std::int64_t offset,
                     std::int64_t epoch);

 private:
  void step(Node& node);
  void resume(Node& node);
  bool spring(Node& node, Point point, const Place& place);
  void spring_restoring(Node& node);
  void on_notice(Node& node, const Place& place, const stream::TaskNotice& notice);
  void on_restored(Node& node, const Place& place, const stream::TaskNotice& notice);
  void on_set_aside(Node& node, const Place& place, const stream::TaskNotice& notice);
  void note_race(const Place& place);
  void observe(const Place& place, std::int64_t offset, ByteView record);
  [[nodiscard]] std::optional<Place> changelog_place(stream::TopicIndex topic,
                                                     std::int32_t partition) const;
  void fail(const std::string& what);

  Setting setting_;
  Trace* trace_;
  Dice dice_;
  std::vector<stream::StageSpec> specs_;
  stream::TopicTable topics_;
  std::int64_t now_ms_ = 1000;
  std::int64_t skew_ms_ = 0;
  stream::MemoryLog log_;
  std::vector<Place> places_;
  std::map<Place, Chain> chains_;
  std::map<stream::TopicIndex, std::size_t> changelog_stage_;
  std::vector<Node> nodes_;
  std::vector<std::shared_ptr<Link>> old_links_;
  std::map<std::pair<stream::TopicIndex, std::int32_t>, std::int64_t> stalls_;
  std::set<Place> jumps_;  // tasks that wait for an operator
  std::uint64_t nonces_ = 0;
  bool calm_ = false;
  Coverage coverage_;
  std::string fault_;
};

}  // namespace kpay::sim
