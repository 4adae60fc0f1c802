// The catalogue of events: one struct each, whose emit() makes the log line and the counter.
//
// To add one: a struct here with name, level, about, its fields and fields(), and its name in
// AllEvents at the end; then rewrite docs/telemetry.md (a test says how). Level error means that
// a person is called. No field holds an account, an amount, a payload or a secret.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <tuple>

#include "telemetry/log.h"

namespace kpay::telemetry {

/// An event: what it is called, how loud it is, what it means, and fields(f), which calls
/// f(name, value) for each field in the order of the line.
template <class T>
concept Event = requires(const T& event) {
  { T::name } -> std::convertible_to<std::string_view>;
  { T::level } -> std::convertible_to<Level>;
  { T::about } -> std::convertible_to<std::string_view>;
  event.fields([](std::string_view, const auto&) {});
};

struct DaemonStarted {
  static constexpr std::string_view name = "DaemonStarted";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "the process is up and takes part in its group";
  std::string version{};
  std::string commit{};
  std::string config_hash{};
  std::string http_address{};

  void fields(auto&& f) const {
    f("version", version), f("commit", commit), f("config_hash", config_hash);
    f("http_address", http_address);
  }
};

struct DaemonStopping {
  static constexpr std::string_view name = "DaemonStopping";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "the process was told to stop and drains its tasks";
  std::string reason{};
  std::int64_t deadline_ms = 0;

  void fields(auto&& f) const { f("reason", reason), f("deadline_ms", deadline_ms); }
};

struct DaemonStopped {
  static constexpr std::string_view name = "DaemonStopped";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "the process ends; clean when every task was drained";
  bool clean = false;
  int exit_code = 0;
  std::int64_t took_ms = 0;

  void fields(auto&& f) const {
    f("clean", clean), f("exit_code", exit_code), f("took_ms", took_ms);
  }
};

struct ConfigRefused {
  static constexpr std::string_view name = "ConfigRefused";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about = "the configuration has problems; nothing was started";
  std::string file{};
  std::string problem{};

  void fields(auto&& f) const { f("file", file), f("problem", problem); }
};

struct AdminCommand {
  static constexpr std::string_view name = "AdminCommand";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "somebody gave a command on the admin socket";
  std::string command{};
  std::string by{};
  std::string answer{};  ///< ok, or why not

  void fields(auto&& f) const { f("command", command), f("by", by), f("answer", answer); }
};

struct TaskAssigned {
  static constexpr std::string_view name = "TaskAssigned";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "the group gave this process a task; it restores now";
  std::string stage{};
  std::int32_t partition = 0;

  void fields(auto&& f) const { f("stage", stage), f("partition", partition); }
};

struct TaskRevoked {
  static constexpr std::string_view name = "TaskRevoked";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about =
      "a task was let go: its drain record; clean when the marker of its last checkpoint says so";
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t position = 0;
  std::uint64_t checkpoint = 0;
  std::string state_hash{};
  bool clean = false;
  std::string reason{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("position", position);
    f("checkpoint", checkpoint), f("state_hash", state_hash), f("clean", clean);
    f("reason", reason);
  }
};

struct TaskLost {
  static constexpr std::string_view name = "TaskLost";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "the group dropped this member; the task's state in memory is gone (R28)";
  std::string stage{};
  std::int32_t partition = 0;

  void fields(auto&& f) const { f("stage", stage), f("partition", partition); }
};

struct TaskRestored {
  static constexpr std::string_view name = "TaskRestored";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "a task's state is whole and it runs (R17)";
  std::string stage{};
  std::int32_t partition = 0;
  std::string source{};  ///< file, log or empty
  std::int64_t position = 0;
  std::uint64_t checkpoint = 0;
  std::uint64_t rows = 0;
  std::string state_hash{};
  std::int64_t took_ms = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("source", source), f("position", position);
    f("checkpoint", checkpoint), f("rows", rows), f("state_hash", state_hash);
    f("took_ms", took_ms);
  }
};

struct TaskHeld {
  static constexpr std::string_view name = "TaskHeld";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "a task stands still until an operator decides; the others run (R23)";
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t position = 0;
  std::string reason{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("position", position), f("reason", reason);
  }
};

struct TaskFenced {
  static constexpr std::string_view name = "TaskFenced";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "a newer takeover marker stands in the changelog; this owner let go (R16)";
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t own_epoch = 0;
  std::int64_t newer_epoch = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("own_epoch", own_epoch);
    f("newer_epoch", newer_epoch);
  }
};

struct CheckpointSlow {
  static constexpr std::string_view name = "CheckpointSlow";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about = "a checkpoint took longer than its interval";
  std::string stage{};
  std::int32_t partition = 0;
  std::uint64_t checkpoint = 0;
  std::uint64_t rows = 0;
  std::int64_t took_ms = 0;
  std::int64_t interval_ms = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("checkpoint", checkpoint), f("rows", rows);
    f("took_ms", took_ms), f("interval_ms", interval_ms);
  }
};

struct CheckpointRejected {
  static constexpr std::string_view name = "CheckpointRejected";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "a marker of the current epoch fails its count, digest or chain (R16)";
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t epoch = 0;
  std::uint64_t checkpoint = 0;
  std::int64_t offset = 0;
  std::string reason{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("epoch", epoch), f("checkpoint", checkpoint);
    f("offset", offset), f("reason", reason);
  }
};

struct StoreSetAside {
  static constexpr std::string_view name = "StoreSetAside";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "a task's file is not to be trusted; it was kept under another name, the log rebuilds it";
  std::string stage{};
  std::int32_t partition = 0;
  std::string file{};
  std::string kept_as{};
  std::string reason{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("file", file), f("kept_as", kept_as);
    f("reason", reason);
  }
};

struct StoreFailed {
  static constexpr std::string_view name = "StoreFailed";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about = "a task's file could not be opened, read or written";
  std::string stage{};
  std::int32_t partition = 0;
  std::string file{};
  std::string operation{};
  std::string error{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("file", file), f("operation", operation);
    f("error", error);
  }
};

struct SenderEarly {
  static constexpr std::string_view name = "SenderEarly";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "events of a sender are ahead of what was received; they were discarded (R8)";
  std::string stage{};
  std::int32_t partition = 0;
  std::string sender{};
  std::uint64_t expected = 0;
  std::uint64_t received = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("sender", sender), f("expected", expected);
    f("received", received);
  }
};

struct OperatorActed {
  static constexpr std::string_view name = "OperatorActed";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "a task acted on an operator's record: what, by whom, why, and what came of it (R12)";
  std::string stage{};
  std::int32_t partition = 0;
  std::string what{};

  void fields(auto&& f) const { f("stage", stage), f("partition", partition), f("what", what); }
};

struct SenderDiverged {
  static constexpr std::string_view name = "SenderDiverged";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "a sender's running hash is not what it was; its events are refused until accepted (R8)";
  std::string stage{};
  std::int32_t partition = 0;
  std::string sender{};
  std::uint64_t number = 0;
  std::string expected_hash{};
  std::string received_hash{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("sender", sender), f("number", number);
    f("expected_hash", expected_hash), f("received_hash", received_hash);
  }
};

struct DeadLettered {
  static constexpr std::string_view name = "DeadLettered";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "an event could not be applied and waits for people (R24)";
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::uint32_t index = 0;
  std::string reason{};

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("offset", offset), f("index", index);
    f("reason", reason);
  }
};

struct DeliveryFailed {
  static constexpr std::string_view name = "DeliveryFailed";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "brokers refused a record for good; the process ends and replay heals (R11)";
  std::string topic{};
  std::int32_t partition = 0;
  std::string error{};

  void fields(auto&& f) const { f("topic", topic), f("partition", partition), f("error", error); }
};

struct BrokerUnavailable {
  static constexpr std::string_view name = "BrokerUnavailable";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about = "no broker answers; tasks wait";
  std::string error{};

  void fields(auto&& f) const { f("error", error); }
};

struct BrokerBack {
  static constexpr std::string_view name = "BrokerBack";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "brokers answer again";
  std::int64_t down_ms = 0;

  void fields(auto&& f) const { f("down_ms", down_ms); }
};

struct TimeJumpHeld {
  static constexpr std::string_view name = "TimeJumpHeld";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "event time would jump beyond its bound; the task waits for an operator (R3)";
  std::string stage{};
  std::int32_t partition = 0;
  std::int64_t position = 0;
  std::string now{};
  std::string event_time{};
  std::int64_t jump_ms = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("position", position), f("now", now);
    f("event_time", event_time), f("jump_ms", jump_ms);
  }
};

struct BaseTrimmed {
  static constexpr std::string_view name = "BaseTrimmed";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about =
      "a base was read back and accepted; the changelog before it was deleted (R14)";
  std::string stage{};
  std::int32_t partition = 0;
  std::uint64_t base = 0;
  std::int64_t first_offset = 0;
  std::uint64_t rows = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("base", base), f("first_offset", first_offset);
    f("rows", rows);
  }
};

struct HttpRequestRefused {
  static constexpr std::string_view name = "HttpRequestRefused";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "a request or a connection broke a limit or the protocol, or its handler failed";
  std::string remote{};
  int status = 0;  ///< 0: the connection ended before an answer
  std::string reason{};

  void fields(auto&& f) const { f("remote", remote), f("status", status), f("reason", reason); }
};

struct AuditFinding {
  static constexpr std::string_view name = "AuditFinding";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "the auditor found something in the log that can't be; /tables/findings has it whole";
  std::string kind{};
  std::string topic{};
  std::int32_t partition = 0;
  std::int64_t offset = 0;
  std::string subject{};  ///< the payment's or command's id; empty when it is about none

  void fields(auto&& f) const {
    f("kind", kind), f("topic", topic), f("partition", partition), f("offset", offset);
    f("subject", subject);
  }
};

struct SnapshotTaken {
  static constexpr std::string_view name = "SnapshotTaken";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about =
      "a task's state was copied to a snapshot; commits waited at most so long for it at once";
  std::string stage{};
  std::int32_t partition = 0;
  std::string path{};
  std::int64_t position = 0;
  std::uint64_t checkpoint = 0;
  std::uint64_t bytes = 0;
  std::int64_t took_ms = 0;
  std::int64_t commit_waited_ms_max = 0;

  void fields(auto&& f) const {
    f("stage", stage), f("partition", partition), f("path", path), f("position", position);
    f("checkpoint", checkpoint), f("bytes", bytes), f("took_ms", took_ms);
    f("commit_waited_ms_max", commit_waited_ms_max);
  }
};

struct SnapshotFailed {
  static constexpr std::string_view name = "SnapshotFailed";
  static constexpr Level level = Level::warning;
  static constexpr std::string_view about =
      "a snapshot could not be taken, or one that is kept can't be read; the task goes on";
  std::string stage{};
  std::int32_t partition = 0;
  std::string error{};

  void fields(auto&& f) const { f("stage", stage), f("partition", partition), f("error", error); }
};

struct AuditState {
  static constexpr std::string_view name = "AuditState";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "what the auditor says of the books has changed";
  std::string state{};
  std::string reason{};
  std::int64_t behind_records = 0;

  void fields(auto&& f) const {
    f("state", state), f("reason", reason), f("behind_records", behind_records);
  }
};

struct ActionNotAudited {
  static constexpr std::string_view name = "ActionNotAudited";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "what somebody did can't be written to ops.audit; it is kept and written with the next";
  std::int64_t kept = 0;
  std::string error{};

  void fields(auto&& f) const { f("kept", kept), f("error", error); }
};

struct FileRefused {
  static constexpr std::string_view name = "FileRefused";
  static constexpr Level level = Level::error;
  static constexpr std::string_view about =
      "a file that changed can't be used; what was read before holds on";
  std::string file{};
  std::string problem{};

  void fields(auto&& f) const { f("file", file), f("problem", problem); }
};

struct FileTaken {
  static constexpr std::string_view name = "FileTaken";
  static constexpr Level level = Level::info;
  static constexpr std::string_view about = "a file that changed was read and holds from now on";
  std::string file{};

  void fields(auto&& f) const { f("file", file); }
};

using AllEvents =
    std::tuple<DaemonStarted, DaemonStopping, DaemonStopped, ConfigRefused, AdminCommand,
               TaskAssigned, TaskRevoked, TaskLost, TaskRestored, TaskHeld, TaskFenced,
               CheckpointSlow, CheckpointRejected, StoreSetAside, StoreFailed, SenderEarly,
               SenderDiverged, OperatorActed, DeadLettered, DeliveryFailed, BrokerUnavailable,
               BrokerBack, TimeJumpHeld, BaseTrimmed, HttpRequestRefused, SnapshotTaken,
               SnapshotFailed, AuditFinding, AuditState, ActionNotAudited, FileRefused, FileTaken>;

/// Calls f(event) with an empty event of each kind, in the order of the catalogue.
void each_event(auto&& f) {
  std::apply([&](const auto&... events) { (f(events), ...); }, AllEvents{});
}

}  // namespace kpay::telemetry
