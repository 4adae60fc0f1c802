// Task: a stage on one partition, from takeover to release (docs/delivery.md, R1–R19).
//
// It is driven, never drives: records, acknowledgements, finished background work and the passing
// of time come in as calls; what it wants of the world goes out through TaskPort and Outbox. The
// daemons drive it over Kafka, the tests and the embedded demo over a log in memory.
//
// The order that makes it safe: nothing is emitted BEFORE the takeover marker was read back. A
// checkpoint's rows are appended AFTER every output caused up to its position was acknowledged; its
// marker AFTER its rows; SQLite AFTER the marker was read back and accepted by the readers' rule.
//
// Threads: one, its worker's. Work given to TaskPort::background runs elsewhere, one piece at a
// time, and touches only the store (and, before the task runs, the tables).
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "store/death_notes.h"
#include "store/state_store.h"
#include "stream/changelog.h"
#include "stream/dead_letter.h"
#include "stream/operator_key.h"
#include "stream/operator_record.h"
#include "stream/outbox.h"
#include "stream/output_scan.h"
#include "stream/override.h"
#include "stream/restorer.h"
#include "stream/stage.h"
#include "stream/table.h"
#include "stream/task_status.h"

namespace kpay::stream {

/// A record as the log gives it. Views are valid during the call.
struct LogRecord {
  std::int64_t offset = 0;
  Timestamp appended;
  ByteView key;
  ByteView value;
};

/// First offset that is there, and the offset after the last.
struct LogBounds {
  std::int64_t begin = 0;
  std::int64_t end = 0;
};

class Task;

/// What a task asks of the log and of the host. One for each task, owned by it.
class TaskPort {
 public:
  virtual ~TaskPort() = default;

  /// Records of the input from `offset` on come to Task::on_input().
  virtual void read_input(std::int64_t offset) = 0;
  virtual void stop_input() = 0;
  /// Records of the changelog from `offset` on come to Task::on_changelog(). Called again: starts
  /// over at the new offset, and nothing of the former reading comes any more.
  virtual void read_changelog(std::int64_t offset) = 0;
  virtual void stop_changelog() = 0;
  /// The answer comes to Task::on_changelog_bounds().
  virtual void query_changelog() = 0;
  /// Deletes the changelog's records before `offset`.
  virtual void trim_changelog(std::int64_t offset) = 0;
  /// Looks for the highest numbers that this task has sent, as far as input from `since` on can
  /// have led to them. The answer comes to Task::on_outputs().
  virtual void query_outputs(const StageSpec& spec, const Uuid& lineage, std::int64_t since) = 0;
  /// Runs `work` elsewhere, then `done` on the task's thread. In order.
  virtual void background(std::function<void()> work, std::function<void()> done) = 0;

  /// Gives the task what has come since the last call: answers, changelog records, and input as
  /// long as it wants any. Called by its worker. True when there was something.
  virtual bool pump(Task& task) = 0;
};

/// Bounds and intervals of a task; each is a field of the configuration or a fixed limit.
struct TaskOptions {
  std::string owner;  ///< instance id
  std::string build;
  std::int64_t checkpoint_interval_ms = 1000;
  std::int64_t idle_checkpoint_interval_ms = 10'000;  ///< when only time has passed
  std::size_t dirty_rows_max = 200'000;  ///< a checkpoint comes early at so many changed rows
  std::uint32_t base_every = 600;        ///< checkpoints from one base to the next, at least
  std::size_t base_slice_rows = 2000;
  std::size_t frame_bytes_max = 256 * 1024;
  std::size_t unacknowledged_bytes_max = 32U << 20U;
  std::int64_t standby_store_ms = 5000;  ///< how often a standby writes what it followed
  std::int64_t tick_after_ms = 1000;
  std::int64_t time_jump_ms_max = 30 * 60 * 1000;
  store::DeathNotes* notes = nullptr;  ///< of the instance; null: no record is noted (R23)
};

/// A kept state of the task, as of one of its markers (R26).
struct ReEmission {
  using RowSink = std::function<Result<void>(const store::StoredRow&)>;

  Marker marker;
  /// Gives all rows of that state. Called once, on another thread.
  std::function<Result<void>(const RowSink& sink)> rows;
};

/// Where the task's topics stand in the daemon's list.
struct TaskTopics {
  TopicIndex input = 0;
  TopicIndex changelog = 0;
  std::vector<TopicIndex> outputs;  ///< as in the spec, then ops.dlq
};

class Task final : public OutboxSender, public std::enable_shared_from_this<Task> {
 public:
  /// Everything it lives on. The outbox outlives the task.
  struct Parts {
    StageSpec spec;
    std::int32_t partition = 0;
    Identity identity;  ///< lineage is not known yet: the changelog tells it
    TaskTopics topics;
    TaskOptions options;
    Outbox* outbox = nullptr;
    std::unique_ptr<TaskPort> port;
    std::function<Result<std::unique_ptr<store::StateStore>>()> open_store;
    std::function<Uuid()> make_nonce;
    std::function<void(const TaskNotice&)> notice;
    std::vector<OperatorAnswer> overrides{};  ///< wanted, where it comes to their records (R23)
    /// Tells again what follows from there, before it goes on (R26).
    std::shared_ptr<const ReEmission> re_emission{};
  };

  explicit Task(Parts parts);
  ~Task() override;

  enum class Role : std::uint8_t { owner, standby };

  /// Begins the takeover, or (as a standby) follows whoever is the owner. Once.
  void start(std::int64_t now_ms, Role role = Role::owner);
  /// The partition is ours: a standby takes over from where it is (R18).
  void promote();
  /// Begins the release: what is in hand is finished, a clean marker written (R21, R28).
  void stop();
  /// Lets go at once: everything in memory is dropped (R28 "lost", and for a zombie).
  void drop();

  void on_changelog_bounds(const Result<LogBounds>& bounds);
  void on_changelog(const LogRecord& record);
  void on_outputs(const Result<SentNumbers>& sent);
  void on_input(const LogRecord& record);
  /// The log says that an offset of the input is gone or out of range. Holds the task (R19, R20).
  /// (While the task restores, it reads the changelog only: then it begins again.)
  void on_read_error(const std::string& what);
  /// The same of the changelog: a later owner trimmed it. Lets go, to take over again (R14, R16).
  void on_changelog_read_error(const std::string& what);
  void on_acknowledged(std::uint64_t tag, std::size_t bytes) override;
  /// After a batch of records, and at least every 50 ms.
  void turn(std::int64_t now_ms);

  /// False: don't give it input now (back-pressure, pause, waiting, not running) (R27).
  [[nodiscard]] bool wants_input() const noexcept;
  /// Pause or resume by the control plane: when, not what.
  void set_paused(bool paused) noexcept { paused_ = paused; }
  /// Two people want this of an input record: admitted when it comes to that record (R23).
  void want_override(const OperatorAnswer& answer);
  /// Overrides that open markers of this task's changelog have admitted, and of which no checkpoint
  /// tells yet, are state from now on (R23).
  void take_over_overrides(const std::vector<Bytes>& admitted);
  /// An operator says that the jump of time is right (R3).
  void acknowledge_time();

  /// It is to tell again what follows from a kept state, and hasn't done so (R26).
  [[nodiscard]] bool re_emission_pending() const noexcept { return parts_.re_emission != nullptr; }

  [[nodiscard]] Phase phase() const noexcept { return phase_; }
  [[nodiscard]] TaskStatus status() const;
  [[nodiscard]] const StageSpec& spec() const noexcept { return parts_.spec; }
  [[nodiscard]] std::int32_t partition() const noexcept { return parts_.partition; }
  [[nodiscard]] std::span<TableBase* const> tables() const noexcept { return tables_; }
  [[nodiscard]] TaskPort& port() const noexcept { return *parts_.port; }
  /// What it must never change under; with its lineage once the changelog told it.
  [[nodiscard]] const Identity& identity() const noexcept { return parts_.identity; }
  /// For range reads: take the pointer here, and before this turn ends give its use to
  /// TaskPort::background. Null while the task doesn't run.
  [[nodiscard]] store::StateStore* store() const noexcept {
    return phase_ == Phase::running || phase_ == Phase::stopping ? store_.get() : nullptr;
  }

 private:
  class EventEmitter;
  struct Checkpoint;
  /// An output record that waits until its cause was processed whole (R23).
  struct Ready {
    std::size_t output = 0;
    std::int32_t partition = 0;
    Bytes key;
    Bytes value;
  };
  /// What goes to one partition of one output.
  struct Lane {
    FrameBuilder builder;
    Sequence* sequence = nullptr;  // in registers_.outputs, once something went there
    [[nodiscard]] std::uint64_t last() const noexcept {
      return sequence == nullptr ? 0 : sequence->last;
    }
  };
  enum class BaseStep : std::uint8_t { none, renewing, awaiting_marker, scanning, closing };

  /// What opening the store gave: made in the background, taken by the worker.
  struct Loaded {
    Result<void> opened;
    std::unique_ptr<store::StateStore> store;
    std::optional<Marker> file;
    std::string distrust;  ///< why the store was set aside; empty when it wasn't
  };

  // Taking over and restoring (task_restore.cc)
  Result<void> load_store(Loaded& loaded);
  void on_opened(Loaded& loaded);
  void refuse_file(const std::string& why);
  void check_first(const LogRecord& record);
  void send_takeover();
  void restore(const LogRecord& record);
  void follow(const LogRecord& record);
  void finish_restore();
  [[nodiscard]] std::uint32_t checkpoints_since_base() const;
  void store_tail();
  void store_followed();
  [[nodiscard]] bool follows_changelog() const noexcept {
    return phase_ == Phase::standby || phase_ == Phase::restoring;
  }
  [[nodiscard]] std::string identity_fault(const Identity& seen) const;
  [[nodiscard]] OpenMarker open_marker(OpenMarker::Kind kind) const;

  // Running and letting go (task.cc)
  void run();
  void hold(std::string why);
  void refuse_version(const Marker& marker, const Logic& logic);
  void fail(std::string why);
  void fence(std::string why);
  void leave(Phase phase, std::string why);
  void close_store();
  void tell(TaskNotice::Kind kind, std::string text) const;
  void tell_of(const BaseMarker& base) const;
  [[nodiscard]] TaskNotice notice_of(TaskNotice::Kind kind, std::string text) const;

  // Input (task_input.cc)
  [[nodiscard]] bool time_jumps(Timestamp to) const;
  [[nodiscard]] Timestamp time_of(const Frame::Item& item) const;
  void move_now(Timestamp to);
  void process(const LogRecord& record);
  void process_noted(const LogRecord& record);
  void process_single(const LogRecord& record);
  void process_frame(const LogRecord& record);
  void process_tick(const LogRecord& record);
  void apply_new_events(const LogRecord& record, std::size_t first_new, SenderState& state);
  void apply_event(const Event& event);
  [[nodiscard]] std::optional<DeadLetterReason> judge(const Event& event);
  void dead_letter(const Event& event, DeadLetterReason reason);
  void publish(std::size_t output, std::int32_t partition, ByteView key, const EventHeader& header,
               ByteView payload);
  void flush(std::size_t output, std::int32_t partition);
  void send_output(std::size_t output, std::int32_t partition, Bytes key, Bytes value);
  void hand_over();
  void flush_open();
  void flush_all();
  template <class Taker>
  void for_each_frame(Taker&& taker);
  [[nodiscard]] Lane& lane(std::size_t output, std::int32_t partition) {
    return lanes_[output * static_cast<std::size_t>(parts_.identity.partitions) +
                  static_cast<std::size_t>(partition)];
  }
  void send_tick();
  void stop_at_switch();

  // Operators' records (task_operator.cc)
  struct OperatorResult {
    OperatorVerdict verdict = OperatorVerdict::done;
    DeadLetterReason reason = 0;
  };
  void take_operator_record(const Event& event, const OperatorRecord& record);
  void admit_by_answer(const Event& event, const OperatorRecord& record);
  void hand_on(const Event& event, const OperatorRecord& record);
  OperatorResult act_on(const Event& event, const OperatorRecord& record);
  OperatorResult replay_letter(const Event& by, const ReplayLetter& replay,
                               const OpenLetter& letter);
  OperatorVerdict accept_sender(const AcceptSender& accept);
  [[nodiscard]] bool is_signed(const Event& event, const OperatorRecord& record) const;
  OperatorVerdict enrol_key(const EnrolKey& enrol);
  OperatorVerdict revoke_key(const RevokeKey& revoke);
  OperatorVerdict switch_logic(const SwitchLogic& change);
  [[nodiscard]] bool reads_from_outside() const noexcept {
    return parts_.spec.input_shape == RecordShape::single;
  }
  void answer(const Event& event, const OperatorRecord& record, const OperatorResult& result);

  // Overrides (task_override.cc)
  struct Admission;
  [[nodiscard]] const OperatorAnswer* wanted_override(std::int64_t offset) const;
  void begin_admission(const OperatorAnswer& wanted);
  void ask_outputs();
  void advance_admission();
  void refuse_override(const std::string& why);
  void on_override_admitted();
  void keep_override(const OperatorAnswer& answer);
  void keep_waiting(const LogRecord& record);
  void go_on_with_waiting();
  void process_overridden(const LogRecord& record, const Override& override);

  // Telling again (task_re_emit.cc)
  void go_on_restored();
  [[nodiscard]] std::string re_emission_fault() const;
  void go_back();
  void on_gone_back(const Result<void>& loaded,
                    const std::vector<std::pair<Bytes, Bytes>>& admitted);
  void end_re_emission();

  // Checkpoints (task_checkpoint.cc)
  void advance_checkpoint();
  [[nodiscard]] bool checkpoint_due() const;
  void freeze(bool clean);
  void append_checkpoint();
  void read_back(const LogRecord& record);
  void on_marker_accepted();
  void commit_checkpoint();
  void on_committed(const Result<void>& committed);
  void advance_base();
  [[nodiscard]] bool base_due() const;
  void begin_base();
  void emit_base_slice();
  void close_base();
  void send_changelog(Bytes record, std::uint64_t tag);
  [[nodiscard]] Hash128 rows_sum() const;

  Parts parts_;
  std::unique_ptr<Stage> stage_;
  DeadLetters dead_letters_;
  OperatorKeys operator_keys_;  // of a task that reads from outside; else not among tables_
  OperatorKeys revoked_keys_;   // the same
  Overrides overrides_;
  std::vector<TableBase*> tables_;
  std::unique_ptr<store::StateStore> store_;
  Phase phase_ = Phase::opening;
  std::string reason_;
  bool stop_asked_ = false;
  bool paused_ = false;
  std::int64_t now_ms_ = 0;  // of the driver's clock: timers only

  // Takeover and restore
  std::optional<Marker> file_;
  std::optional<Restorer> restorer_;
  LogBounds changelog_;
  Uuid nonce_;
  bool standby_ = false;
  bool loading_ = false;   // the tables are the background's
  bool restored_ = false;  // all but the file has the state
  std::optional<std::int64_t> takeover_target_;
  std::optional<std::int64_t> takeover_offset_;
  std::int64_t changelog_position_ = 0;
  bool replace_store_ = false;
  bool storing_followed_ = false;
  std::shared_ptr<Result<void>> stored_followed_;  // what became of the last one; see store_tail()
  std::int64_t stored_followed_ms_ = 0;
  bool store_given_up_ = false;  // it failed while the task was stopping: the log has it all
  bool store_was_used_ = false;
  std::uint64_t rows_restored_ = 0;

  // State beside the tables
  Registers registers_;
  std::vector<Lane> lanes_;  // by output, then partition
  std::unique_ptr<EventEmitter> emitter_;
  std::vector<Ready> ready_;  // records cut while an input record is processed
  bool processing_ = false;
  store::DeathNote* note_ = nullptr;
  std::optional<Logic> switch_to_;  // met in the input: it ends after that record (R21)
  std::uint32_t state_version_ = 0;
  std::unique_ptr<Admission> admission_;  // of an override of the record that waits
  std::vector<Uuid> refused_;             // overrides that were not admitted
  std::string override_refused_;          // why the last one wasn't
  bool re_emitting_ = false;              // on the way to the last marker (R26)
  bool skipping_ = false;                 // events become dead letters
  std::optional<Timestamp> time_said_;    // by an override: of the record's events
  Frame frame_;
  std::optional<LogRecord> waiting_;  // time jumps, or an override; views into the bytes below
  Bytes waiting_key_;
  Bytes waiting_value_;
  Timestamp time_acknowledged_;
  std::size_t turn_events_ = 0;
  std::int64_t last_input_ms_ = 0;
  std::int64_t last_tick_ms_ = 0;

  // Checkpoints
  std::int64_t epoch_ = -1;
  Marker last_marker_;
  Hash128 last_digest_;
  std::unique_ptr<Checkpoint> checkpoint_;
  std::uint64_t interval_ = 0;
  std::array<std::uint64_t, 2> unacknowledged_{};  // money, DLQ and audit outputs by interval
  std::size_t unacknowledged_bytes_ = 0;
  std::size_t collected_bytes_ = 0;  // in frames that still grow
  std::int64_t last_checkpoint_ms_ = 0;
  std::uint64_t real_records_ = 0;  // other than ticks, since the last checkpoint
  BaseStep base_step_ = BaseStep::none;
  std::uint32_t since_base_ = 0;
  std::size_t base_table_ = 0;
  std::uint32_t base_rows_ = 0;
  Hash128 base_digest_;
  Hash128 base_sum_;
  std::uint64_t base_number_ = 0;
  Hash128 base_state_hash_;
  Hash128 base_expected_;

  TaskStatus counters_;
};

}  // namespace kpay::stream
