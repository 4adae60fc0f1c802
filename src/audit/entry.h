// Entry: an event that stands on payments.incoming or payments.inflight and waits for the one
// consequence that the task which reads it owes for it.
#pragma once

#include <cstdint>
#include <optional>

#include "audit/places.h"
#include "base/bytes.h"
#include "core/commands.h"
#include "core/legs.h"
#include "core/outcomes.h"
#include "stream/operator_record.h"

namespace kpay::audit {

enum class EntryKind : std::uint8_t {
  submit,
  open,
  deposit,
  close,
  debit,
  credit,
  refund,
  operators,  ///< an operator's record
  other,      ///< nothing that a stage could apply: has to be dead-lettered
};

/// What an event is about, as far as the books need it.
struct Entry {
  EntryKind kind = EntryKind::other;
  bool forwarded = false;  ///< an account command on payments.inflight: its account acts on it
  bool done = false;       ///< its consequence is there
  bool posts = false;      ///< and changes its account
  core::Currency currency;
  std::int64_t minor = 0;
  std::int64_t delta = 0;  ///< by how much
  Timestamp appended{};    ///< of an event of payments.inflight
  std::uint64_t content = 0;
  Uuid id;
  core::AccountId account;

  void keep(auto& io) {
    io(kind, forwarded, done, posts, currency, minor, delta, appended, content, id, account);
  }
  /// True for a leg whose amount is on no account while the leg waits.
  [[nodiscard]] bool holds_money() const noexcept {
    return kind == EntryKind::credit || kind == EntryKind::refund;
  }
};

/// Of payment, payer, payee and amount: equal in a command, its legs, its outcome, its result.
[[nodiscard]] std::uint64_t content_of(const Uuid& id, const core::AccountId& from,
                                       const core::AccountId& to, const core::Money& amount);
[[nodiscard]] Entry entry_of(const core::Command& command);
[[nodiscard]] Entry entry_of(const core::InflightEvent& event);

[[nodiscard]] std::string_view to_string(EntryKind kind) noexcept;
/// "credit of 1234 EUR minor units for acc-7"
[[nodiscard]] std::string describe(const Entry& entry);

}  // namespace kpay::audit
