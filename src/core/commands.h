// Commands: what clients ask for. Each carries an id that the client made once (R12).
//
// A reference is a view: into the message it was decoded from, or into the caller's text.
#pragma once

#include <string_view>
#include <variant>

#include "base/hash.h"
#include "core/ids.h"
#include "core/money.h"

namespace kpay::core {

/// What a payment is, the same in its command and in all of its legs.
struct Transfer {
  PaymentId payment;
  AccountId from;
  AccountId to;
  Money amount;
  ValueDate value_date;
  std::string_view reference;

  friend bool operator==(const Transfer&, const Transfer&) = default;
};

struct SubmitPayment {
  Transfer transfer;
  friend bool operator==(const SubmitPayment&, const SubmitPayment&) = default;
};

struct OpenAccount {
  CommandId command;
  AccountId account;
  Money opening;  ///< its currency becomes the account's
  friend bool operator==(const OpenAccount&, const OpenAccount&) = default;
};

struct Deposit {
  CommandId command;
  AccountId account;
  Money amount;
  friend bool operator==(const Deposit&, const Deposit&) = default;
};

struct CloseAccount {
  CommandId command;
  AccountId account;
  friend bool operator==(const CloseAccount&, const CloseAccount&) = default;
};

using Command = std::variant<SubmitPayment, OpenAccount, Deposit, CloseAccount>;

/// The bytes that decide a command's partition of payments.incoming (R10): the payment's id, or
/// the account's. A view into the command.
[[nodiscard]] ByteView key_of(const Command& command) noexcept;
/// The id that the client gave it: a payment's own id, or the command's.
[[nodiscard]] const Uuid& id_of(const Command& command) noexcept;

/// The hash of all content but the id: equal for equal content, whatever bytes carried it.
[[nodiscard]] Hash128 content_hash(const Command& command) noexcept;

}  // namespace kpay::core
