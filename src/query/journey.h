// Journey: everything that the log says of one payment or one account command.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/places.h"
#include "core/ids.h"
#include "core/money.h"
#include "core/refusal.h"

namespace kpay::query {

/// Numbers are those of the file.
enum class Kind : std::uint8_t { payment = 0, opening = 1, deposit = 2, closing = 3 };
[[nodiscard]] std::string_view to_string(Kind kind) noexcept;

enum class Status : std::uint8_t {
  submitted = 0,  ///< in the log, and intake hasn't decided
  in_flight = 1,
  completed = 2,
  failed = 3,
  rejected = 4,  ///< the command never became a payment
};
[[nodiscard]] std::string_view to_string(Status status) noexcept;
[[nodiscard]] std::optional<Status> status_of(std::string_view word) noexcept;

/// What a hop is: an event of the journey.
enum class What : std::uint8_t {
  command = 0,
  debit = 1,
  credit = 2,
  refund = 3,
  forwarded = 4,  ///< an account command, on its way to its account
  outcome = 5,
  result = 6,  ///< what the world is told
  dead_letter = 7,
};
[[nodiscard]] std::string_view to_string(What what) noexcept;

struct Hop {
  What what = What::command;
  Status says = Status::submitted;  ///< of an outcome and a result
  core::Refusal refusal = core::Refusal::none;
  std::uint16_t dead_letter_reason = 0;
  audit::Place place;
  std::int64_t appended_ms = 0;
  std::uint16_t stage = 0;  ///< that sent it; 0: a client
  audit::Place cause{};     ///< that it follows from, when a stage sent it

  friend bool operator==(const Hop&, const Hop&) = default;
};

struct Journey {
  Uuid id;
  Kind kind = Kind::payment;
  Status status = Status::submitted;
  core::Refusal refusal = core::Refusal::none;
  core::AccountId from;  ///< of an account command: its account
  core::AccountId to;
  core::Money amount;
  std::int32_t value_date = 0;
  std::string reference;
  std::int64_t accepted_ms = 0;  ///< when its first command was appended
  std::int64_t finished_ms = 0;  ///< when its outcome was; 0: not yet
  std::vector<Hop> hops;
  std::uint64_t more_hops = 0;  ///< beyond limits::hops_max

  /// Keeps the hop at its place: in the order of time, then in that of What.
  void add(const Hop& hop);
  /// Later news win over earlier ones; the first end of a payment stands.
  void advance(Status now, core::Refusal why, std::int64_t at_ms);
  /// Nothing more is expected of it.
  [[nodiscard]] bool ended() const noexcept;
};

/// Hops as the file has them: version 1, then integers of variable length.
[[nodiscard]] Bytes encode(const std::vector<Hop>& hops, std::uint64_t more);
/// False when the bytes are none.
[[nodiscard]] bool decode(ByteView bytes, std::vector<Hop>& hops, std::uint64_t& more);

/// Whose account a row of postings is of: its id; "suspense:EUR@3" for a suspense account, of
/// which each partition has its own.
[[nodiscard]] std::string account_name(const core::AccountId& account, std::int32_t partition);

}  // namespace kpay::query
