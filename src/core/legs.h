// Legs: the postings that a payment asks of accounts, and what travels on payments.inflight.
//
// Each leg carries its whole transfer, so that whoever reads one needs no other event.
// REQUIRES of every leg: an amount of 1 to kAmountMax; the wire refuses any other.
#pragma once

#include <variant>

#include "core/commands.h"
#include "core/refusal.h"

namespace kpay::core {

/// Take the amount from the payer.
struct DebitLeg {
  Transfer transfer;
  friend bool operator==(const DebitLeg&, const DebitLeg&) = default;
};
/// Give the amount, taken before, to the payee.
struct CreditLeg {
  Transfer transfer;
  friend bool operator==(const CreditLeg&, const CreditLeg&) = default;
};
/// Give it back to the payer, because of `refusal`. Never refused (R25).
struct RefundLeg {
  Transfer transfer;
  Refusal refusal = Refusal::none;
  friend bool operator==(const RefundLeg&, const RefundLeg&) = default;
};

using InflightEvent =
    std::variant<DebitLeg, CreditLeg, RefundLeg, OpenAccount, Deposit, CloseAccount>;

/// The account that it is for: the row it reads, and the key of its partition.
[[nodiscard]] const AccountId& account_of(const InflightEvent& event) noexcept;
/// The payment or command that it belongs to.
[[nodiscard]] const Uuid& subject_of(const InflightEvent& event) noexcept;

}  // namespace kpay::core
