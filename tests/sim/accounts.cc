#include "sim/accounts.h"

#include <set>

#include "sim/checker.h"
#include "stages/specs.h"
#include "stream/frame.h"

namespace kpay::sim {

namespace {

constexpr const char* kTable = "accounts";

std::string name_of(const core::AccountId& id) { return std::string(id.text()); }

std::string not_balanced(const Uuid& payment, const std::string& what) {
  return verdict(Checker::saga_balanced, "payment " + to_string(payment) + " " + what);
}

}  // namespace

std::string Accounts::look(const stream::LogRecord& record) {
  const std::vector<Replica::Said>& said = replica_->said();
  stream::Frame frame;
  if (seen_ == said.size() || !stream::read_frame(record.value, frame)) {
    seen_ = said.size();
    return {};
  }
  std::set<std::string> touched;
  core::InflightEvent cause;
  for (; seen_ < said.size(); ++seen_) {
    const ByteView payload = frame.events.at(said[seen_].cause.index).payload;
    if (said[seen_].output == spec_->outputs.size() || cause_codec_.decode(payload, cause)) {
      continue;  // a dead letter, or an answer to an operator
    }
    if (std::string wrong = told(cause, said[seen_]); !wrong.empty()) {
      return wrong;
    }
    touched.insert(name_of(core::account_of(cause)));
    if (const auto* refund = std::get_if<core::RefundLeg>(&cause)) {
      touched.insert(name_of(core::AccountId::suspense(refund->transfer.amount.currency)));
    }
  }
  for (const std::string& name : touched) {
    if (std::string wrong = compare(name); !wrong.empty()) {
      return wrong;
    }
  }
  return {};
}

std::string Accounts::told(const core::InflightEvent& cause, const Replica::Said& said) {
  const Bytes& payload = replica_->payload(said);
  if (spec_->outputs[said.output].topic == stages::kTopicComplete) {
    core::Outcome outcome;
    check(!outcome_codec_.decode(payload, outcome), "an outcome can be read");
    return told(cause, outcome);
  }
  core::InflightEvent leg;
  check(!codec_.decode(payload, leg), "a leg can be read");
  if (const auto* debit = std::get_if<core::DebitLeg>(&cause);
      debit != nullptr && std::holds_alternative<core::CreditLeg>(leg)) {
    return post(debit->transfer.from, debit->transfer.amount, -1);
  }
  if (std::holds_alternative<core::CreditLeg>(cause) &&
      std::holds_alternative<core::RefundLeg>(leg)) {
    return {};  // refused: nothing was posted
  }
  return not_balanced(core::subject_of(leg), "has a leg that doesn't follow from the one before");
}

std::string Accounts::told(const core::InflightEvent& cause, const core::Outcome& outcome) {
  const auto* payment = std::get_if<core::PaymentOutcome>(&outcome);
  const Uuid& id = core::subject_of(cause);
  if (core::subject_of(outcome) != id) {
    return not_balanced(id, "has its outcome told of another one");
  }
  if (payment == nullptr) {
    const bool done = std::get<core::CommandOutcome>(outcome).status == core::CommandStatus::done;
    if (const auto* open = std::get_if<core::OpenAccount>(&cause); open != nullptr && done) {
      return post(open->account, open->opening, 1);
    }
    if (const auto* deposit = std::get_if<core::Deposit>(&cause); deposit != nullptr && done) {
      return post(deposit->account, deposit->amount, 1);
    }
    if (const auto* close = std::get_if<core::CloseAccount>(&cause); close != nullptr && done) {
      ++accounts_[name_of(close->account)].postings;
    }
    return {};
  }
  const bool completed = payment->status == core::PaymentStatus::completed;
  if (const auto* credit = std::get_if<core::CreditLeg>(&cause)) {
    return completed ? post(credit->transfer.to, credit->transfer.amount, 1)
                     : not_balanced(id, "was debited, and failed without its refund");
  }
  if (completed) {
    return not_balanced(id, "is completed without its credit");
  }
  if (const auto* refund = std::get_if<core::RefundLeg>(&cause)) {
    return post(takes_refund(refund->transfer), refund->transfer.amount, 1);
  }
  return {};  // a debit that was refused
}

core::AccountId Accounts::takes_refund(const core::Transfer& transfer) const {
  const auto found = accounts_.find(name_of(transfer.from));
  const bool takes_it =
      found != accounts_.end() && found->second.currency == transfer.amount.currency;
  return takes_it ? transfer.from : core::AccountId::suspense(transfer.amount.currency);
}

std::string Accounts::post(const core::AccountId& id, const core::Money& money, std::int64_t sign) {
  Account& account = accounts_[name_of(id)];
  account.currency = account.postings == 0 ? money.currency : account.currency;
  account.balance += sign * money.minor;
  ++account.postings;
  if (account.balance >= 0) {
    return {};
  }
  return verdict(Checker::negative, "account " + name_of(id) + " would have " +
                                        std::to_string(account.balance) + " after posting " +
                                        std::to_string(account.postings));
}

std::string Accounts::compare(const std::string& name) const {
  const auto found = accounts_.find(name);
  const Account account = found == accounts_.end() ? Account{} : found->second;
  const std::int64_t balance = replica_->number(kTable, name, "balance_minor");
  const std::int64_t postings = replica_->number(kTable, name, "version");
  if (balance == account.balance && postings == account.postings) {
    return {};
  }
  return verdict(Checker::order_per_account, "account " + name + " has " + std::to_string(balance) +
                                                 " after " + std::to_string(postings) +
                                                 " postings, what was told of it leads to " +
                                                 std::to_string(account.balance) + " after " +
                                                 std::to_string(account.postings));
}

std::string Accounts::end() const {
  for (const auto& [name, account] : accounts_) {
    if (std::string wrong = compare(name); !wrong.empty()) {
      return wrong;
    }
  }
  if (replica_->table(kTable).size() != accounts_.size()) {
    return verdict(Checker::order_per_account, "an account has a row that nothing was told of");
  }
  return {};
}

}  // namespace kpay::sim
