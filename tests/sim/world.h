// World: one log, some hosts with their disks and processes, one clock; everything in one thread.
// The tasks are the real ones with all real stages; what surrounds them is simulated here.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "sim/chain.h"
#include "sim/checker.h"
#include "sim/coverage.h"
#include "sim/dice.h"
#include "sim/disk.h"
#include "sim/link.h"
#include "sim/trace.h"
#include "sim/traps.h"
#include "stages/specs.h"
#include "stream/operator_record.h"

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
  std::size_t standbys = 1;       ///< how many follow each task
  int orders = 20;                ///< operators' records; 0: nobody operates
};
[[nodiscard]] Setting setting_of(std::uint64_t seed);

/// Where a process was stopped, and under which owner's epoch.
struct Stop {
  Line line = Line::zombie_at_output;
  Place place;
  std::int64_t epoch = 0;
};

/// A host: its disk outlives its processes, of which it has one at a time.
struct Node {
  std::size_t number = 0;
  std::unique_ptr<Disk> disk;
  std::shared_ptr<Link> link;
  std::unique_ptr<stream::MemoryProcess> process;
  Steps steps;
  std::optional<Trap> trap;
  std::optional<Stop> stopped_in;
  std::set<Place> promoted;                     ///< were standbys, and don't run yet
  std::map<Place, std::uint64_t> file_markers;  ///< what each file held when it was opened
  int boots = 0;
  bool dying = false;
  bool frozen = false;
  std::int64_t wake_ms = 0;
  std::int64_t restart_ms = 0;
  std::int64_t last_seen_ms = 0;               ///< by the group
  std::map<std::size_t, std::int64_t> paused;  ///< stages whose input is paused, until when

  [[nodiscard]] bool awake() const noexcept { return process != nullptr && !frozen; }
  [[nodiscard]] std::string name() const { return "node" + std::to_string(number); }
  /// As its process signs takeovers.
  [[nodiscard]] std::string owner() const { return name() + "." + std::to_string(boots); }
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
  /// The host's power goes: its process dies, and its disk forgets what was not synced.
  void cut_power(Node& node);
  void freeze(Node& node, std::int64_t ms);
  /// The control plane pauses a stage's input on a host (when, not what).
  void pause(Node& node, std::size_t stage, std::int64_t ms);
  void wake(Node& node);
  /// How often the owner of a task died.
  [[nodiscard]] int owner_deaths(const Place& place) const;

  // ---- standbys
  [[nodiscard]] static bool is_standby(const Node& node, const Place& place);
  /// Called before a task is assigned: a standby there is promoted by it.
  void note_assigned(Node& node, const Place& place);

  // ---- operators (world_operators.cc)
  /// From where a task has to go on with a sender, as its input stands now.
  [[nodiscard]] stream::Sequence seen_of(const Place& place, const stream::SenderId& sender);
  /// These records, one for each reader of a partition, lift the refusal of a sender. When they
  /// come there, and nothing newer of that sender did, a frame that diverged is put before them.
  void expect_accept(const std::vector<stream::OperatorRecord>& records,
                     const std::vector<Place>& readers, const stream::SenderId& sender,
                     const stream::Sequence& seen);
  /// A frame that nobody sent: it says something else than the sender's numbers did.
  [[nodiscard]] bool is_forged(stream::TopicIndex topic, std::int32_t partition,
                               std::int64_t offset) const {
    return forged_.contains({topic, partition, offset});
  }
  /// How many such frames a task has to refuse.
  [[nodiscard]] std::uint64_t forgeries(const Place& place) const;

  // ---- the log
  std::int64_t append(stream::TopicIndex topic, std::int32_t partition, ByteView key,
                      ByteView value);
  /// A record that is in the log, or was until an input was trimmed. REQUIRES: it is no changelog's
  /// that was deleted.
  [[nodiscard]] stream::LogRecord record(stream::TopicIndex topic, std::int32_t partition,
                                         std::int64_t offset) const;
  /// From where to where record() can be asked.
  [[nodiscard]] stream::LogBounds readable(stream::TopicIndex topic, std::int32_t partition) const;
  /// An input loses a part, or all, of what R20 gives up: what lies before the last marker of every
  /// stage that reads it, and is older than anybody may have been asleep.
  void trim_input(stream::TopicIndex topic, std::int32_t partition);
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
  void spring_standing(Node& node);
  void note_file(Node& node, const Place& place, store::StateStore& store);
  void note_takeover(const Place& place, std::uint32_t rows_open);
  void on_promoted(Node& node, const Place& place, bool from_file);
  void on_standby_failed(const Place& place, const std::string& text);
  void on_notice(Node& node, const Place& place, const stream::TaskNotice& notice);
  void on_restored(Node& node, const Place& place, const stream::TaskNotice& notice);
  void on_set_aside(Node& node, const Place& place, const stream::TaskNotice& notice);
  void on_operator_record(const Place& place, const stream::TaskNotice& notice);
  void on_diverged(const Place& place, const std::string& text);
  struct Accept {
    std::vector<Place> readers;
    std::set<Uuid> records;
    stream::SenderId sender;
    stream::Sequence seen;
  };
  void forge_before(const Parcel& parcel);
  void forge(const Accept& accept, const Parcel& parcel);
  void note_race(const Place& place);
  void observe(const Place& place, std::int64_t offset, ByteView record);
  [[nodiscard]] std::optional<Place> changelog_place(stream::TopicIndex topic,
                                                     std::int32_t partition) const;
  void fail(Checker checker, const std::string& what);

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
  using Log = std::pair<stream::TopicIndex, std::int32_t>;
  struct Kept {
    std::int64_t since_ms = 0;
    Timestamp appended;
    Bytes key;
    Bytes value;
  };
  std::map<Log, std::vector<Kept>> inputs_;  // whole, for those who judge
  std::map<Place, int> owner_deaths_;
  std::map<Log, std::int64_t> stalls_;
  std::set<Place> jumps_;  // tasks that wait for an operator
  std::vector<Accept> accepts_;
  std::set<std::tuple<stream::TopicIndex, std::int32_t, std::int64_t>> forged_;
  std::map<Place, std::vector<std::string>> refusals_;  // what the task says of each
  std::set<std::tuple<Place, std::string, std::int64_t>> acted_on_;
  std::uint64_t nonces_ = 0;
  bool calm_ = false;
  Coverage coverage_;
  std::string fault_;
};

}  // namespace kpay::sim
