// Runner: a daemon's stages over Kafka, from start to stop. Its instances share each stage's
// partitions through the stage's consumer group; inside, workers share the tasks.
#pragma once

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "kafka/membership.h"
#include "kafka/worker.h"

namespace kpay::kafka {

struct RunnerOptions {
  std::vector<stream::StageSpec> specs;
  ClientOptions client;
  std::string topic_prefix = "kpay.";
  std::int32_t partitions = 12;
  std::string instance;
  std::size_t workers = 1;
  std::size_t records_per_turn = 512;
  bool standbys = false;  ///< follow what would be ours if another instance were lost (R18)
  stream::TaskOptions task;
  std::int64_t release_ms_max = 10'000;  ///< a revoked task is dropped after that (R28)
  stream::Host::StoreMaker make_store;
  stream::Host::NoticeSink notice;
  /// What is wrong with the settings of a topic (its name without the prefix); empty: nothing.
  std::function<std::string(const std::string& topic, const TopicInfo& info,
                            const std::map<std::string, std::string>& settings)>
      topic_fault;
  std::function<void(const std::string& text)> on_state;  ///< what it waits for or does, in words
  /// The process has to end with this error; called once, from any thread (R11, R19).
  std::function<void(const Error& error)> on_fatal;
};

/// A task's status with what only the cluster knows.
struct RunnerTask {
  stream::TaskStatus status;
  std::int64_t end = -1;  ///< the input's end, -1 while unknown
};

/// Keys as text, from the first to the one beyond the last; empty: no bound. The cursor is
/// TableRows::next of a page.
struct RangeQuery {
  std::string stage;
  std::string table;
  std::string from;
  std::string to;
  std::size_t limit = 100;
  std::string cursor;
};

/// A page of a table's rows.
struct TableRows {
  std::vector<std::pair<std::string, stream::Fields>> rows;
  std::string next;  ///< where to go on; empty at the end
};

/// A task that runs here, as a snapshot of it needs it.
struct SnapshotTask {
  std::string stage;
  std::int32_t partition = 0;
  stream::Identity identity;
  std::uint64_t checkpoint = 0;  ///< number of its last accepted marker
};

/// How long a task's store was copied, and the longest that anything else had to wait for it.
struct CopyTimes {
  std::int64_t total_ms = 0;
  std::int64_t piece_ms_max = 0;
};

/// Threads: all methods from any thread; callbacks come from its own threads.
class Runner {
 public:
  explicit Runner(RunnerOptions options);
  ~Runner();
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  /// Connects, checks the topics, joins the groups. Waits for brokers and topics as long as it
  /// takes (or until stop()). Errors: invalid (wrong topic settings), refused, fenced.
  Result<void> start();
  /// Ends a start() that waits.
  void cancel_start() noexcept { stopping_ = true; }
  /// Task drain: releases every task with a clean marker, then leaves. False when the deadline
  /// passed first and something was dropped.
  bool stop(std::int64_t deadline_ms);
  /// Task drain that the process outlives: every task is released with a clean marker, and the
  /// groups are left, so that their other members take over at once. False when the deadline
  /// passed first and something was dropped, or when stop() came in between.
  /// REQUIRES: start() succeeded; drain() and resume() by one thread at a time.
  bool drain(std::int64_t deadline_ms);
  /// Joins the groups again. Without a drain() before: nothing.
  void resume() noexcept { away_wanted_ = false; }

  /// Every task of this instance, by stage and partition.
  [[nodiscard]] std::vector<RunnerTask> tasks();
  /// What this instance follows of other instances' tasks.
  [[nodiscard]] std::vector<stream::TaskStatus> standbys();
  /// True when every group has said what is ours, which may be nothing, and each of those tasks is
  /// restored, or held for an operator, or at its switch record.
  [[nodiscard]] bool ready();
  /// Turns that each worker has made so far: one that stands still makes none.
  [[nodiscard]] std::vector<std::uint64_t> turns();
  [[nodiscard]] const std::string& cluster_id() const noexcept { return cluster_id_; }

  /// Before start() too: then the stage's tasks begin paused.
  void set_paused(const std::string& stage, bool paused);
  void acknowledge_time();
  /// What two people want of a record of a task's input (R23); before start() too. Ignored unless
  /// the task is one of this daemon's stages.
  void want_override(const stream::OperatorAnswer& answer);

  /// Has a task that runs here take over again and tell once more what follows from that state
  /// (R26). False when it doesn't run here.
  bool re_emit(const std::string& stage, std::int32_t partition,
               std::shared_ptr<const stream::ReEmission> from);

  /// The row as it is now. Errors: not_found (no such table, row, or partition here).
  Result<std::optional<stream::Fields>> table_get(const std::string& stage,
                                                  const std::string& table, const std::string& key);
  /// Rows as of the last checkpoint, of all partitions here: by partition, then by key.
  /// Errors: invalid (the cursor), io.
  Result<TableRows> table_range(const RangeQuery& query);
  /// The tasks that run here and have had a checkpoint.
  [[nodiscard]] std::vector<SnapshotTask> snapshot_tasks();
  /// Copies a task's state file to a new file at `path`, in pieces between its commits, and waits
  /// until it is whole. The task goes on. Errors: not_found (the task doesn't run here, or was let
  /// go meanwhile), io.
  Result<CopyTimes> copy_state(const std::string& stage, std::int32_t partition,
                               const std::string& path);
  /// "stage.table" of all tables that this instance may hold.
  [[nodiscard]] std::vector<std::string> table_names();
  [[nodiscard]] const std::vector<stream::StageSpec>& specs() const noexcept {
    return options_.specs;
  }

 private:
  Result<void> connect();
  Result<void> join_groups();
  void leave_groups();
  void come_back();
  void release_all();
  Result<void> check_topics(bool first);
  Result<void> check_settings(const TopicInfo& info);
  void group_loop();
  void watch_loop();
  void refresh_ends();
  void place_standbys();
  using Pick = std::vector<std::shared_ptr<stream::Task>> (stream::Host::*)() const;
  [[nodiscard]] std::vector<stream::TaskStatus> statuses(Pick pick);
  void assign(std::size_t spec, std::int32_t partition);
  void release(std::size_t spec, const std::vector<std::int32_t>& partitions);
  void lose(std::size_t spec, const std::vector<std::int32_t>& partitions);
  void commit_positions();
  void tell_override(std::size_t spec, std::int32_t partition,
                     const stream::OperatorAnswer& answer);
  void tell_paused(std::size_t spec, bool paused);
  void fatal(ErrorCode code, const std::string& text);
  void say(const std::string& text) const;
  [[nodiscard]] Worker& worker_of(std::size_t spec, std::int32_t partition);
  [[nodiscard]] std::optional<std::size_t> spec_of(const std::string& stage) const;

  RunnerOptions options_;
  stream::TopicTable topics_;
  ClientEvents events_;
  std::string cluster_id_;
  std::unique_ptr<Admin> admin_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::unique_ptr<Membership>> memberships_;
  std::thread group_thread_;
  std::thread watch_thread_;
  std::atomic<bool> stopping_ = false;
  std::atomic<bool> fatal_told_ = false;
  std::atomic<bool> dropped_some_ = false;
  std::atomic<bool> away_wanted_ = false;         // by drain() and resume()
  std::atomic<bool> away_ = false;                // as the group thread has it
  std::atomic<std::int64_t> release_by_ms_ = -1;  // the end of a drain or stop; -1: none
  std::mutex settled_mutex_;
  std::vector<std::optional<std::size_t>> settled_;  // by stage: partitions that the group gave
  std::mutex paused_mutex_;
  std::map<std::size_t, bool> paused_;
  std::vector<std::tuple<std::size_t, std::int32_t, stream::OperatorAnswer>> overrides_;
  bool running_ = false;  // the workers are there (under paused_mutex_)
  std::mutex ends_mutex_;
  std::map<std::pair<std::size_t, std::int32_t>, std::int64_t> ends_;
};

}  // namespace kpay::kafka
