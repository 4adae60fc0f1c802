// Change: what happened to one account's balance, as the index keeps it and the public change
// stream tells it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "audit/entry.h"
#include "audit/places.h"
#include "core/sum.h"

namespace kpay::query {

struct Change {
  std::string account;  ///< as account_name() has it
  std::int64_t posted_ms = 0;
  audit::Place place;  ///< the event on payments.inflight; offset -1: what there was before
  audit::EntryKind kind{};
  std::int64_t delta = 0;
  core::Sum balance;  ///< after it
  core::Currency currency;
  Uuid id;  ///< of its payment or account command
};

/// opening, deposit, debit, credit or refund; "carried": what it had when the file was begun.
[[nodiscard]] std::string_view posting_kind(audit::EntryKind kind) noexcept;

}  // namespace kpay::query
