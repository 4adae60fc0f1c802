#include "sim/coverage.h"

#include <iomanip>
#include <numeric>
#include <ostream>
#include <sstream>

namespace kpay::sim {

namespace {

constexpr std::array<LineInfo, kLines> kInfo{{
    {"dies_before_output", "dies before any output"},
    {"dies_after_outputs", "dies after some outputs"},
    {"dies_before_checkpoint", "dies after all, before the checkpoint"},
    {"dies_within_rows", "dies within the rows"},
    {"dies_before_marker", "dies between rows and marker"},
    {"dies_before_commit", "dies between marker and SQLite"},
    {"dies_restoring", "dies while restoring"},
    {"dies_after_open_marker", "dies after the open marker"},
    {"dies_after_clean_marker", "dies after a clean marker"},
    {"dies_after_resume", "dies after resume, before an output"},
    {"zombie_at_output", "stopped at an output, woken late"},
    {"zombie_at_checkpoint", "stopped in a checkpoint, woken late"},
    {"zombie_renewal", "a zombie's renewal comes late"},
    {"takeovers_race", "two takeovers race"},
    {"late_takeover", "takeover delivered after its writer died"},
    {"late_trim", "records deleted after the takeover"},
    {"first_refused", "first Produce refused, then retried"},
    {"queue_lost", "producer dies with frames queued"},
    {"revoked", "revoked at any step"},
    {"lost", "lost at any step"},
    {"disk_gone", "disk or host gone"},
    {"file_torn", "state file torn"},
    {"file_flipped", "a bit of the state file flipped"},
    {"file_swapped", "state file swapped with another"},
    {"file_rolled_back", "state file rolled back"},
    {"file_before_trim", "state file older than the trim point"},
    {"power_cut", "power cut: the last commits are gone"},
    {"commit_fails", "a commit fails, the next succeeds"},
    {"failover", "leader change: appends stall"},
    {"restore_after_trim", "restored from the log after a trim"},
    {"input_trimmed", "its input trimmed below all markers"},
    {"restored_at_trim", "restored where the trimmed input begins"},
    {"record_doubled", "a record doubled on the input"},
    {"dead_letter", "undecodable or foreign record"},
    {"client_retry", "client retries across a crash"},
    {"deposit_retry", "a deposit retried across a crash"},
    {"client_conflict", "same id, other content"},
    {"clock_ahead", "the broker's clock jumps ahead"},
    {"all_stopped", "everything off, longer than the bound"},
    {"standby_promoted", "a standby is promoted"},
    {"standby_in_checkpoint", "promoted in mid-checkpoint"},
    {"standby_dies", "a standby dies while it follows"},
    {"standby_dies_promoted", "it dies promoted, before it runs"},
    {"standby_stopped", "stopped following, woken an epoch later"},
    {"standby_several", "promoted, others follow the same task"},
    {"standby_file_behind", "promoted from a file that was behind"},
    {"standby_file_hurt", "a standby's file is damaged or too old"},
    {"standby_commit_fails", "a standby's commit fails"},
    {"standby_trimmed", "trimmed beyond where a standby reads"},
    {"letter_closed", "an operator closes a dead letter"},
    {"letter_closed_before", "closed twice, or by two at once"},
    {"letter_refused_again", "a dead letter replayed, refused again"},
    {"letter_other_bytes", "an operator names other bytes"},
    {"operator_and_crash", "an operator's record met again by replay"},
    {"sender_accepted", "a sender refused, then accepted"},
    {"order_unsigned", "an operator's record lacks signatures"},
    {"key_enrolled", "a key enrolled"},
    {"key_revoked", "a key revoked"},
}};

// Lines of the crash table that no run goes through, and why.
struct Absent {
  const char* line;
  const char* why;
};
constexpr std::array kAbsent{
    Absent{"dies during `finish`; paused across a logic switch",
           "one logic version here: tests R21 of tests/stream"},
    Absent{"a deterministic crash on one record; three deaths, then a skip",
           "no process dies of a record here: tests R23 of tests/stream"},
    Absent{"re-emit under full load",
           "nothing acknowledged is lost here: tests R26 of tests/stream, test_re_emit.py"},
    Absent{"an unreadable header", "holds the task until an operator comes: tests R9Receiving"},
    Absent{"topic recreated, partitions added, changelog emptied", "tests R19, test_topics.py"},
    Absent{"down for longer than any time retention",
           "no topic has one here; inputs are trimmed by markers (R20): test_topics.py"},
    Absent{"one replica's build is nondeterministic; a dirty mark is forgotten", "make planted"},
    Absent{"a record is forged or dropped", "the auditor's to find; the oracle's tests do it"},
};

constexpr const char* kSilent = "sends nothing but dead letters";
constexpr const char* kNoFrames = "intake reads no frames";
constexpr const char* kNoClients = "clients' commands reach intake only";

}  // namespace

const LineInfo& info_of(Line line) { return kInfo[static_cast<std::size_t>(line)]; }

const char* not_for(Line line, std::size_t stage) {
  const std::string name = kStageNames[stage];
  switch (line) {
    case Line::dies_before_output:
    case Line::dies_after_outputs:
    case Line::zombie_at_output:
      return name == "settle" || name == "throughput" ? kSilent : nullptr;
    case Line::client_retry:
    case Line::deposit_retry:
    case Line::client_conflict:
    case Line::order_unsigned:
    case Line::key_enrolled:
    case Line::key_revoked: return name == "intake" ? nullptr : kNoClients;
    case Line::sender_accepted: return name == "intake" ? kNoFrames : nullptr;
    default: return nullptr;
  }
}

std::uint64_t Coverage::of(Line line) const {
  const auto& row = cells_[static_cast<std::size_t>(line)];
  return std::accumulate(row.begin(), row.end(), std::uint64_t{0});
}

std::uint64_t Coverage::counted(const std::string& name) const {
  const auto found = counts_.find(name);
  return found == counts_.end() ? 0 : found->second;
}

void Coverage::add(const Coverage& other) {
  for (std::size_t line = 0; line < kLines; ++line) {
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      cells_[line][stage] += other.cells_[line][stage];
    }
  }
  for (const auto& [name, times] : other.counts_) {
    counts_[name] += times;
  }
}

void Coverage::write(std::ostream& out) const {
  for (std::size_t line = 0; line < kLines; ++line) {
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      if (cells_[line][stage] > 0) {
        out << "cell " << line << ' ' << stage << ' ' << cells_[line][stage] << '\n';
      }
    }
  }
  for (const auto& [name, times] : counts_) {
    out << "count " << name << ' ' << times << '\n';
  }
}

void Coverage::read_line(const std::string& line) {
  std::istringstream in(line);
  std::string kind;
  in >> kind;
  if (kind == "cell") {
    std::size_t row = 0;
    std::size_t stage = 0;
    std::uint64_t times = 0;
    if (in >> row >> stage >> times && row < kLines && stage < kStages) {
      cells_[row][stage] += times;
    }
  } else if (kind == "count") {
    std::string name;
    std::uint64_t times = 0;
    if (in >> name >> times) {
      counts_[name] += times;
    }
  }
}

void Coverage::print_counts(std::ostream& out) const {
  for (const auto& [name, times] : counts_) {
    out << "  " << std::left << std::setw(28) << name << std::right << std::setw(12) << times
        << '\n';
  }
}

bool Coverage::print_table(std::ostream& out, std::uint64_t least) const {
  bool enough = true;
  out << std::left << std::setw(42) << "crash table" << std::right;
  for (const char* stage : kStageNames) {
    out << std::setw(11) << stage;
  }
  out << '\n';
  for (std::size_t line = 0; line < kLines; ++line) {
    out << std::left << std::setw(42) << kInfo[line].text << std::right;
    for (std::size_t stage = 0; stage < kStages; ++stage) {
      if (not_for(static_cast<Line>(line), stage) != nullptr) {
        out << std::setw(11) << "-";
        continue;
      }
      const bool seldom = cells_[line][stage] < least;
      enough = enough && !seldom;
      out << std::setw(10) << cells_[line][stage] << (seldom ? '!' : ' ');
    }
    out << '\n';
  }
  out << "-: settle and throughput send nothing but dead letters; clients' commands and keys reach"
         " intake only, which reads no frames\nnot in it:\n";
  for (const Absent& absent : kAbsent) {
    out << "  " << absent.line << ": " << absent.why << '\n';
  }
  return enough;
}

}  // namespace kpay::sim
