// Rows: the state of the five stages. Plain values; how they become bytes is the stages' matter.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/hash.h"
#include "base/time.h"
#include "core/histogram.h"
#include "core/ids.h"
#include "core/money.h"
#include "core/outcomes.h"
#include "core/refusal.h"
#include "core/sum.h"

namespace kpay::core {

/// One counter for each refusal, in order of precedence.
class RefusalCounts {
 public:
  void add(Refusal refusal, std::uint64_t count = 1) noexcept {
    counts_[place_of(refusal)] += count;
  }
  [[nodiscard]] std::uint64_t of(Refusal refusal) const noexcept {
    return counts_[place_of(refusal)];
  }
  friend bool operator==(const RefusalCounts&, const RefusalCounts&) = default;

 private:
  std::array<std::uint64_t, kRefusals.size()> counts_{};
};

// --- intake

/// An id that was seen, by payment or command id, until the horizon forgets it (R12).
struct IdRow {
  Hash128 content;
  Refusal refusal = Refusal::none;  ///< a refused id stays refused
  friend bool operator==(const IdRow&, const IdRow&) = default;
};

/// By currency. accepted = refused + opened, in count and in value.
struct IntakeTotals {
  Tally accepted;                       ///< payments that were remembered, refused ones too
  Tally refused;                        ///< of those: failed at once
  Tally opened;                         ///< of those: a debit leg was sent; settle closes them
  std::uint64_t duplicates = 0;         ///< the same id and content again, payments and commands
  std::uint64_t rejected = 0;           ///< not remembered: conflict, expired, from the future
  std::uint64_t commands_accepted = 0;  ///< account commands that were forwarded
  std::uint64_t commands_refused = 0;
  RefusalCounts refusals;  ///< all reasons: refused, commands_refused and rejected
  friend bool operator==(const IntakeTotals&, const IntakeTotals&) = default;
};

// --- account

enum class AccountState : std::uint8_t { open = 1, closed = 2 };

struct AccountRow {
  Currency currency;
  AccountState state = AccountState::open;
  Sum balance;  ///< 0 to kBalanceMax; a suspense account's may be more
  Sum opening;
  Sum deposits;
  std::uint64_t version = 0;  ///< how many postings changed it
  friend bool operator==(const AccountRow&, const AccountRow&) = default;
};

/// By currency. Sum of balances = opened + deposits - debited + credited + refunded.
struct AccountTotals {
  Tally opened;  ///< accounts, and their opening balances
  Tally deposits;
  Tally debited;
  Tally credited;
  Tally refunded;  ///< refund legs, wherever they went
  Tally suspense;  ///< of those: to the suspense account
  std::uint64_t closed = 0;
  RefusalCounts refusals;
  friend bool operator==(const AccountTotals&, const AccountTotals&) = default;
};

// --- settle

/// The final status of a payment, by its id.
struct PaymentRow {
  PaymentStatus status = PaymentStatus::completed;
  Refusal refusal = Refusal::none;
  Money amount;
  Timestamp event_time;
  Timestamp finished;
  friend bool operator==(const PaymentRow&, const PaymentRow&) = default;
};

/// The outcome of an account command, by its id.
struct CommandRow {
  CommandKind kind = CommandKind::open_account;
  CommandStatus status = CommandStatus::done;
  Refusal refusal = Refusal::none;
  AccountId account;
  Timestamp event_time;
  Timestamp finished;
  friend bool operator==(const CommandRow&, const CommandRow&) = default;
};

/// Commands that were rejected under an id, apart from the payment or command of that id.
struct RejectionRow {
  Refusal refusal = Refusal::none;  ///< of the last one
  std::uint64_t count = 0;
  Timestamp finished;  ///< of the last one
  friend bool operator==(const RejectionRow&, const RejectionRow&) = default;
};

/// By currency. Payments in flight = intake's opened - closed, in count and in value.
struct SettleTotals {
  Tally completed;
  Tally failed;                ///< after a debit leg had been sent
  Tally failed_at_intake;      ///< never in flight
  Tally closed;                ///< completed + failed
  std::uint64_t rejected = 0;  ///< account commands under "XXX": outcomes of theirs have no amount
  std::uint64_t repeated = 0;  ///< outcomes of what already had one: always 0, or a defect
  friend bool operator==(const SettleTotals&, const SettleTotals&) = default;
};

// --- confirmed

/// By day (UTC) and currency.
struct DayRow {
  Tally confirmed;
  Tally failed;
  std::array<Tally, kRefusals.size()> refusals;  ///< of failed, in order of precedence
  friend bool operator==(const DayRow&, const DayRow&) = default;
};

// --- throughput

struct CurrencyWindow {
  Currency currency;
  Tally completed;
  std::int64_t largest = 0;  ///< minor units
  PaymentId largest_payment;
  friend bool operator==(const CurrencyWindow&, const CurrencyWindow&) = default;
};

/// What completed within one minute, by the append time of its outcome.
struct WindowRow {
  std::uint64_t failed = 0;
  Histogram latency_ms;  ///< append time of the outcome - event time (R5), of completed payments
  std::vector<CurrencyWindow> currencies;  ///< in order of their letters
  friend bool operator==(const WindowRow&, const WindowRow&) = default;
};

/// Windows before this minute (since 1970) have been erased.
struct SweepRow {
  std::int64_t first_minute = 0;
  friend bool operator==(const SweepRow&, const SweepRow&) = default;
};

// --- expiry, of intake and of settle

/// A row to be forgotten: its id, and which table of the stage it is in.
struct ExpiryEntry {
  Uuid id;
  std::uint8_t table = 0;
  friend bool operator==(const ExpiryEntry&, const ExpiryEntry&) = default;
};

/// Some ids in order of their time, which are forgotten together.
struct ExpiryChunk {
  Timestamp first;
  Timestamp last;
  std::vector<ExpiryEntry> entries;
  friend bool operator==(const ExpiryChunk&, const ExpiryChunk&) = default;
};

/// The chunks in use are those of the numbers [head, tail).
struct ExpiryEnds {
  std::uint64_t head = 0;
  std::uint64_t tail = 0;
  friend bool operator==(const ExpiryEnds&, const ExpiryEnds&) = default;
};

}  // namespace kpay::core
