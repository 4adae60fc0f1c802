// Accounts: follows one account task's replica and says of every account whether what the task told
// of it, in the order in which it told it, leads from each balance to the next, and never below
// nothing. What is a change, and how large, it takes from the events alone.
#pragma once

#include <map>
#include <string>

#include "core/legs.h"
#include "core/outcomes.h"
#include "sim/replica.h"
#include "wire/codec.h"

namespace kpay::sim {

class Accounts {
 public:
  Accounts(const stream::StageSpec& spec, const Replica& replica)
      : spec_(&spec), replica_(&replica) {}

  /// After the replica took that record. A verdict, or nothing.
  [[nodiscard]] std::string look(const stream::LogRecord& record);
  /// After the last one: no row but those that were told of has changed.
  [[nodiscard]] std::string end() const;

 private:
  struct Account {
    core::Currency currency;
    std::int64_t balance = 0;
    std::int64_t postings = 0;
  };

  [[nodiscard]] std::string told(const core::InflightEvent& cause, const Replica::Said& said);
  [[nodiscard]] std::string told(const core::InflightEvent& cause, const core::Outcome& outcome);
  [[nodiscard]] std::string post(const core::AccountId& id, const core::Money& money,
                                 std::int64_t sign);
  [[nodiscard]] std::string compare(const std::string& name) const;
  [[nodiscard]] core::AccountId takes_refund(const core::Transfer& transfer) const;

  const stream::StageSpec* spec_;
  const Replica* replica_;
  std::size_t seen_ = 0;  // of what the replica said
  std::map<std::string, Account> accounts_;
  wire::InflightCodec codec_;
  wire::InflightCodec cause_codec_;
  wire::OutcomeCodec outcome_codec_;
};

}  // namespace kpay::sim
