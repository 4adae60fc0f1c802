// What a task tells about itself: its status, and what happens to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "stream/frame.h"

namespace kpay::stream {

enum class Phase : std::uint8_t {
  opening,    ///< reading the file
  checking,   ///< looking for genesis or an open marker
  standby,    ///< follows the changelog of another owner (R18)
  restoring,  ///< takeover marker sent; reading up to it
  running,
  stopping,  ///< writing the clean marker
  stopped,   ///< clean: never runs again
  switched,  ///< clean, at a switch record: a build of the next logic goes on (R21)
  fenced,    ///< a newer takeover stands in the log
  failed,    ///< the world failed: take over again after a pause
  held,      ///< needs an operator
};
[[nodiscard]] const char* to_string(Phase phase) noexcept;

/// Numbers no receiver can apply yet: the sender's replay brings the missing ones (R8).
struct EarlyGap {
  SenderId sender;
  std::uint64_t from = 0;
  std::uint64_t to = 0;
};

/// What a task tells about itself. A value, copied out by its worker.
struct TaskStatus {
  std::string stage;
  std::int32_t partition = 0;
  Phase phase = Phase::opening;
  std::string reason;         ///< why held, failed, waiting or fenced; empty when all is well
  std::int64_t position = 0;  ///< next input offset
  std::int64_t checkpoint_position = 0;
  std::uint64_t checkpoint = 0;  ///< number of the last accepted marker
  std::int64_t epoch = -1;
  Hash128 state_hash;  ///< of that marker
  Timestamp now;
  std::uint32_t logic_version = 0;  ///< of this build
  std::uint32_t state_version = 0;  ///< that goes on from its last marker; 0 while unknown
  std::uint64_t rows = 0;
  std::size_t unacknowledged_bytes = 0;
  std::uint64_t records = 0;   ///< input records processed
  std::uint64_t events = 0;    ///< events applied
  std::uint64_t replayed = 0;  ///< dropped as known (R8)
  std::uint64_t early = 0;
  std::uint64_t discarded = 0;  ///< of refused senders
  std::uint64_t dead_letters = 0;
  std::uint64_t dead_letters_open = 0;
  std::uint64_t checkpoints = 0;
  std::uint64_t bases = 0;
  std::uint64_t rows_restored = 0;
  std::optional<EarlyGap> gap;
  std::vector<SenderId> refused;
  bool time_waiting = false;    ///< holds a record until an operator acknowledges its time (R3)
  bool store_behind = false;    ///< SQLite commits fail; the log has it all
  bool store_was_used = false;  ///< restored from the file, not from the log alone
  bool paused = false;
  bool re_emitting = false;  ///< tells again what the log lost (R26)
};

/// Something worth a log line, told as it happens.
struct TaskNotice {
  enum class Kind : std::uint8_t {
    restored,
    released,
    held,
    fenced,
    failed,
    store_set_aside,
    store_failed,
    dead_letter,
    early,
    diverged,
    operator_record,
    checkpoint_rejected,
    time_jump,
    base_accepted,
    zombie_record,
    re_emission,
  };
  Kind kind = Kind::failed;
  std::string text;
  std::int64_t position = 0;  ///< next input offset
  std::uint64_t marker = 0;   ///< of the last accepted one; base_accepted: of the base's own
  Hash128 state_hash;         ///< of that marker
  std::uint64_t rows = 0;     ///< of all tables; base_accepted: of the base
  std::int64_t begin = 0;     ///< where the changelog begins once it is trimmed
  bool from_file = false;     ///< restored from the file and the log's tail
};

}  // namespace kpay::stream
