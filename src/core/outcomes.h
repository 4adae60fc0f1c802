// Outcomes: how payments and account commands ended, and what travels on payments.complete.
#pragma once

#include <cstdint>
#include <variant>

#include "base/time.h"
#include "core/ids.h"
#include "core/legs.h"
#include "core/money.h"
#include "core/refusal.h"

namespace kpay::core {

enum class PaymentStatus : std::uint8_t {
  completed = 1,
  failed = 2,    ///< refused; the payer has the money
  rejected = 3,  ///< the command never became a payment: says nothing of a payment with that id
};

struct PaymentOutcome {
  PaymentId payment;
  AccountId from;
  AccountId to;
  Money amount;
  PaymentStatus status = PaymentStatus::completed;
  Refusal refusal = Refusal::none;  ///< none exactly when completed
  bool opened = false;  ///< intake had sent a debit leg: it was in flight, and is not any more
  friend bool operator==(const PaymentOutcome&, const PaymentOutcome&) = default;
};

enum class CommandKind : std::uint8_t { open_account = 1, deposit = 2, close_account = 3 };

enum class CommandStatus : std::uint8_t {
  done = 1,
  refused = 2,
  rejected = 3,  ///< never became a command: says nothing of a command with that id
};

struct CommandOutcome {
  CommandId command;
  AccountId account;
  CommandKind kind = CommandKind::open_account;
  CommandStatus status = CommandStatus::done;
  Refusal refusal = Refusal::none;  ///< none exactly when done
  friend bool operator==(const CommandOutcome&, const CommandOutcome&) = default;
};

using Outcome = std::variant<PaymentOutcome, CommandOutcome>;

/// The payment's or the command's id: the key of its partition, too (R10).
[[nodiscard]] const Uuid& subject_of(const Outcome& outcome) noexcept;

/// What the world is told of a payment, on payments.confirmed or payments.failed.
struct PaymentResult {
  PaymentId payment;
  std::uint64_t number = 0;  ///< in its partition; a repeat after a crash has the same one
  bool confirmed = false;
  Refusal refusal = Refusal::none;
  Money amount;
  AccountId from;
  AccountId to;
  Timestamp event_time;  ///< when the command reached the log
  Timestamp finished;    ///< when the outcome reached the log
  friend bool operator==(const PaymentResult&, const PaymentResult&) = default;
};

[[nodiscard]] PaymentOutcome completed(const Transfer& transfer) noexcept;
/// A payment that failed; `opened` says whether its debit leg had been sent.
[[nodiscard]] PaymentOutcome failed(const Transfer& transfer, Refusal refusal,
                                    bool opened) noexcept;
[[nodiscard]] PaymentOutcome rejected(const Transfer& transfer, Refusal refusal) noexcept;

[[nodiscard]] const char* to_string(PaymentStatus status) noexcept;
[[nodiscard]] const char* to_string(CommandStatus status) noexcept;
[[nodiscard]] const char* to_string(CommandKind kind) noexcept;

}  // namespace kpay::core
