// Finding: something that the log says and that can't be, with the place and the payment.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "audit/places.h"
#include "base/uuid.h"

namespace kpay::audit {

/// Words and numbers are told outside: they never change. docs/audit.md explains each.
enum class FindingKind : std::uint8_t {
  unreadable,  ///< an internal record whose header can't be read
  foreign,     ///< a frame of another lineage, or of a task that doesn't write there
  diverged,    ///< the next number, but its running hash doesn't follow
  altered,     ///< a known number with other bytes
  forged,      ///< the sender's own marker says that it never sent this
  dropped,     ///< the sender's own marker counts it, and the log doesn't have it
  no_origin,   ///< the event that it names as its cause doesn't exist
  misfit,      ///< it doesn't fit its cause: another payment, amount, account or kind
  second,      ///< its cause has had its one consequence already
  lost,        ///< an event was processed, and what has to follow from it didn't
  balance,     ///< an account's row isn't what its postings make
  overdraft,   ///< a posting took more than there was
  result,      ///< a public result that no outcome, or another one, stands for
  changelog,   ///< a marker or base that doesn't fit its rows or its chain
  sum,         ///< per currency, what came in isn't what is there
};
inline constexpr std::size_t kFindingKinds = 15;
[[nodiscard]] std::string_view to_string(FindingKind kind) noexcept;

struct Finding {
  FindingKind kind = FindingKind::unreadable;
  Place place{};
  Uuid subject{};  ///< the payment or command; nil when it is about none
  std::string expected{};
  std::string found{};
  std::uint64_t number = 0;  ///< 1, 2, 3 … in the order in which they were found

  void keep(auto& io) { io(kind, place, subject, expected, found, number); }
};

/// All are counted; the first kFindingsKept are kept whole, since what follows follows from them.
inline constexpr std::size_t kFindingsKept = 500;

/// Threads: one.
class Findings {
 public:
  void add(Finding finding);
  void keep(auto& io) { io(counts_, total_, first_); }

  [[nodiscard]] std::uint64_t total() const noexcept { return total_; }
  [[nodiscard]] std::uint64_t count(FindingKind kind) const noexcept {
    return counts_[static_cast<std::size_t>(kind)];
  }
  [[nodiscard]] const std::vector<Finding>& first() const noexcept { return first_; }

 private:
  std::array<std::uint64_t, kFindingKinds> counts_{};
  std::uint64_t total_ = 0;
  std::vector<Finding> first_;
};

}  // namespace kpay::audit
