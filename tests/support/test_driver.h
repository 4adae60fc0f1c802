// TestDriver: what TopologyTestDriver is for Kafka Streams. Processes over one log in memory, a
// clock that is moved by hand, and faults on demand. The tasks are the ones that run over Kafka.
//
//   TestDriver driver({.specs = {source_spec(), adder_spec()}});
//   const auto process = driver.start("host-a");
//   driver.pipe(kToyIn, 0, "a", "add a b 5");
//   driver.advance(2000);
//   EXPECT_EQ(driver.received(kToyOut).texts(), ...);
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>

#include "store/memory_store.h"
#include "stream/memory_driver.h"

namespace kpay::test {

/// An event as a receiver that keeps R8 gets it.
struct Received {
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  stream::SenderId sender;
  std::uint64_t number = 0;
  Timestamp time;
  std::string text;
};

/// What such a receiver sees of a topic, all partitions, one after the other.
struct ReceivedTopic {
  std::vector<Received> events;
  std::map<std::pair<std::int32_t, stream::SenderId>, stream::Sequence> seen;
  std::uint64_t frames = 0;
  std::uint64_t repeats = 0;
  std::uint64_t early = 0;
  std::uint64_t diverged = 0;  ///< events that go on from another hash: never, in a right run

  [[nodiscard]] std::vector<std::string> texts() const;
  [[nodiscard]] std::vector<std::string> sorted_texts() const;
};

struct Single {
  std::int32_t partition = 0;
  std::string key;
  std::string text;
};

struct Noticed {
  std::size_t process = 0;
  std::string stage;
  std::int32_t partition = 0;
  stream::TaskNotice notice;
};

class TestDriver {
 public:
  using ProcessId = std::size_t;

  struct Options {
    std::vector<stream::StageSpec> specs;
    std::int32_t partitions = 1;
    stream::TaskOptions task{};
    std::filesystem::path state_dir{};  ///< StateFiles below it; empty: MemoryStores
    std::uint64_t seed = 1;
    bool write_genesis = true;
    std::int64_t slice_ms = 50;  ///< how far the clock moves before the tasks run again
    std::string cluster_id = "cluster-1";
  };

  explicit TestDriver(Options options);
  ~TestDriver();

  // ---- processes

  /// A process on a host with that disk; takes over all partitions of these stages (empty: all).
  ProcessId start(const std::string& disk, const std::vector<std::string>& stages = {});
  /// A process on a host with that disk that owns nothing and follows all partitions of a stage.
  ProcessId start_standby(const std::string& disk, const std::string& stage);
  /// All partitions of the stage are the process's from now on.
  void assign(ProcessId id, const std::string& stage);
  /// The process is gone at once: nothing is finished, what was not appended is lost.
  void kill(ProcessId id);
  /// Releases everything, waits, and ends the process. False when something was not released.
  bool stop(ProcessId id);
  /// A frozen process is not stepped: to the others it is a zombie.
  void freeze(ProcessId id, bool frozen = true);
  /// Kills the process before its n-th step from now, or loses everything from its n-th append on
  /// and then kills it.
  void kill_at_step(ProcessId id, std::int64_t steps);
  void kill_at_append(ProcessId id, std::int64_t appends);
  void freeze_at_step(ProcessId id, std::int64_t steps);
  [[nodiscard]] bool is_frozen(ProcessId id) const { return processes_.at(id).frozen; }
  /// Processes started so far, alive or not.
  [[nodiscard]] std::size_t processes() const noexcept { return processes_.size(); }
  [[nodiscard]] bool alive(ProcessId id) const { return processes_.at(id).process != nullptr; }
  [[nodiscard]] stream::MemoryProcess& process(ProcessId id) { return *processes_.at(id).process; }
  /// The task, or null.
  [[nodiscard]] std::shared_ptr<stream::Task> task(ProcessId id, const std::string& stage,
                                                   std::int32_t partition = 0);
  [[nodiscard]] stream::TaskStatus status(ProcessId id, const std::string& stage,
                                          std::int32_t partition = 0);
  /// Of a task that follows only.
  [[nodiscard]] stream::TaskStatus standby_status(ProcessId id, const std::string& stage,
                                                  std::int32_t partition = 0);

  // ---- time

  /// Steps every process until none has anything to do.
  void run_until_idle();
  /// One step of every process. True when there was something to do.
  bool step();
  /// Moves the clock on in slices and runs after each.
  void advance(std::int64_t ms);
  /// Moves the clock on and runs nothing.
  void set_time(std::int64_t now_ms);
  [[nodiscard]] std::int64_t now_ms() const noexcept { return now_ms_; }
  [[nodiscard]] Timestamp log_time() const { return log_.now(); }
  /// The broker's clock goes that much ahead of the processes' (behind, when negative).
  void set_broker_skew(std::int64_t ms);

  // ---- the log

  std::int64_t pipe(const std::string& topic, std::int32_t partition, std::string_view key,
                    std::string_view text);
  std::int64_t append(const std::string& topic, std::int32_t partition, ByteView value);
  [[nodiscard]] ReceivedTopic received(const std::string& topic) const;
  [[nodiscard]] std::vector<Single> singles(const std::string& topic) const;
  /// All records of a partition that are still there.
  [[nodiscard]] std::vector<Bytes> records(const std::string& topic,
                                           std::int32_t partition = 0) const;
  [[nodiscard]] stream::MemoryLog& log() noexcept { return log_; }
  [[nodiscard]] stream::TopicTable& topics() noexcept { return topics_; }
  [[nodiscard]] const stream::StageSpec& spec(const std::string& stage) const;
  /// Processes that are started from now on are of a build that has this in place of the stage of
  /// the same name.
  void set_spec(stream::StageSpec spec) {
    const std::size_t place = spec_index(spec.name);
    options_.specs[place] = std::move(spec);
  }
  void set_logic_version(const std::string& stage, std::uint32_t version) {
    options_.specs[spec_index(stage)].logic.version = version;
  }
  /// Genesis as make_topics() writes it, for tests that write a log by hand.
  [[nodiscard]] stream::OpenMarker genesis(const std::string& stage) const;

  // ---- what is left behind

  /// The rows of a store that is kept in memory; made when it is asked for.
  [[nodiscard]] store::MemoryStore& store(const std::string& disk, const std::string& stage,
                                          std::int32_t partition = 0);
  [[nodiscard]] std::filesystem::path state_file(const std::string& disk, const std::string& stage,
                                                 std::int32_t partition = 0) const;
  /// The host loses its disk: every store that was kept there.
  void lose_disk(const std::string& disk);
  /// All rows of the task's tables as "table/key=bytes in hex", sorted.
  [[nodiscard]] std::vector<std::string> rows(ProcessId id, const std::string& stage,
                                              std::int32_t partition = 0);
  [[nodiscard]] const std::vector<Noticed>& notices() const noexcept { return notices_; }
  [[nodiscard]] std::size_t count(stream::TaskNotice::Kind kind) const;

 private:
  class Handle;
  struct Disk {
    store::MemoryStore store;
    bool open = false;
  };
  struct Process {
    std::unique_ptr<const std::vector<stream::StageSpec>> specs;  // of its build
    std::unique_ptr<stream::MemoryProcess> process;
    std::string disk;
    bool frozen = false;
    std::int64_t steps_left = -1;       // until it dies; -1: never
    std::int64_t steps_to_freeze = -1;  // -1: never
    std::int64_t appends_left = -1;     // until it dies; -1: never
    bool dying = false;
  };

  ProcessId start_idle(const std::string& disk);
  [[nodiscard]] std::size_t spec_index(const std::string& stage) const;
  [[nodiscard]] std::shared_ptr<Disk> disk(const std::string& disk, const std::string& stage,
                                           std::int32_t partition);
  Result<std::unique_ptr<store::StateStore>> open_store(const std::string& disk,
                                                        const stream::StageSpec& spec,
                                                        std::int32_t partition,
                                                        const stream::Identity& identity);
  bool step(ProcessId id);

  Options options_;
  stream::TopicTable topics_;
  std::int64_t now_ms_ = 1000;
  stream::MemoryLog log_;  // its clock begins at now_ms_
  std::int64_t broker_skew_ms_ = 0;
  std::uint64_t nonces_ = 0;
  std::map<std::tuple<std::string, std::string, std::int32_t>, std::shared_ptr<Disk>> disks_;
  std::vector<Noticed> notices_;
  std::vector<Process> processes_;
};

}  // namespace kpay::test
