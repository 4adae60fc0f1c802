#include "daemons/ctl/books.h"

#include <algorithm>

namespace kpay::ctl {

namespace {

// What is known of a payment, one bit each.
enum Fact : std::uint32_t {
  kCommand = 1U << 0U,       // on payments.incoming
  kTaken = 1U << 1U,         // processed by intake
  kOtherContent = 1U << 2U,  // a second command of that id says something else
  kDebit = 1U << 3U,
  kDebitDone = 1U << 4U,  // processed by the account stage
  kCredit = 1U << 5U,
  kCreditDone = 1U << 6U,
  kRefund = 1U << 7U,
  kRefundDone = 1U << 8U,
  kCompleted = 1U << 9U,
  kFailed = 1U << 10U,
  kRefused = 1U << 11U,  // failed at intake
  kRejected = 1U << 12U,
  kResultDue = 1U << 13U,  // processed by the confirmed stage
  kConfirmed = 1U << 14U,
  kFailedResult = 1U << 15U,
};

const char* name_of(std::uint32_t fact) {
  switch (fact) {
    case kDebit: return "debit leg";
    case kCredit: return "credit leg";
    case kRefund: return "refund leg";
    case kCompleted: return "outcome completed";
    case kFailed: return "outcome failed";
    case kRefused: return "refusal at intake";
    case kConfirmed: return "result confirmed";
    case kFailedResult: return "result failed";
    default: return "fact";
  }
}

// Facts that can't go together, and facts that need another: each a sentence. Partitions of one
// topic end at different moments, so that legs may lack each other until they are processed.
struct Law {
  std::uint32_t all;      // when the payment has all of these
  std::uint32_t none_of;  // and none of these
  const char* broken;
};

constexpr std::uint32_t kLegs = kDebit | kCredit | kRefund;
constexpr std::uint32_t kEnds = kCompleted | kFailed | kRefused;

constexpr Law kLaws[] = {
    {kCommand | kTaken, kDebit | kRefused | kRejected,
     "was processed by intake and nothing followed"},
    {kDebit, kCommand, "has a debit leg and no command"},
    {kRefused, kCommand, "was refused at intake and has no command"},
    {kCreditDone, kDebit, "has a credit leg and no debit leg"},
    {kRefundDone, kCredit, "has a refund leg and no credit leg"},
    {kCompleted, kCredit, "completed without a credit leg"},
    {kFailed, kDebit, "failed in flight without a debit leg"},
    {kFailed | kCredit, kRefund, "failed after its credit leg was sent, without a refund leg"},
    {kDebitDone, kCredit | kFailed, "is lost: its debit was processed and nothing followed"},
    {kCreditDone, kCompleted | kRefund, "is lost: its credit was processed and nothing followed"},
    {kRefundDone, kFailed, "is lost: its refund was processed and nothing followed"},
    {kDebit | kRefused, 0, "was refused at intake and has a debit leg"},
    {kCompleted | kFailed, 0, "has two ends: completed and failed"},
    {kCompleted | kRefused, 0, "has two ends: completed and refused at intake"},
    {kFailed | kRefused, 0, "has two ends: failed and refused at intake"},
    {kCompleted | kRefund, 0, "was completed and refunded"},
    {kConfirmed | kFailedResult, 0, "has two public results"},
    {kConfirmed, kCompleted, "is confirmed to the public and did not complete"},
    {kFailedResult, kFailed | kRefused, "is failed to the public and did not fail"},
    {kResultDue, kConfirmed | kFailedResult, "ended and its public result is missing"},
};

}  // namespace

bool BooksReport::right() const noexcept {
  return differences == 0 && std::all_of(currencies.begin(), currencies.end(),
                                         [](const auto& each) { return each.second.conserved(); });
}

bool Books::before(const std::vector<std::int64_t>& cut, std::int32_t partition,
                   std::int64_t offset) noexcept {
  const auto place = static_cast<std::size_t>(partition);
  return place < cut.size() && offset < cut[place];
}

void Books::note(std::string difference) {
  ++differences_;
  if (first_.size() < kDifferencesKept) {
    first_.push_back(std::move(difference));
  }
}

std::uint32_t Books::account_place(const core::AccountId& id) {
  const auto [found, added] = places_.try_emplace(id, static_cast<std::uint32_t>(accounts_.size()));
  if (added) {
    accounts_.emplace_back();
    accounts_.back().id = id;
  }
  return found->second;
}

std::uint16_t Books::currency_place(core::Currency currency) {
  const auto found = std::find(currencies_.begin(), currencies_.end(), currency);
  if (found == currencies_.end()) {
    currencies_.push_back(currency);
    return static_cast<std::uint16_t>(currencies_.size() - 1);
  }
  return static_cast<std::uint16_t>(found - currencies_.begin());
}

bool Books::same_content(const Payment& payment, const core::Transfer& transfer) const {
  return payment.minor == transfer.amount.minor &&
         currencies_[payment.currency] == transfer.amount.currency &&
         accounts_[payment.from].id == transfer.from && accounts_[payment.to].id == transfer.to;
}

void Books::set_content(Payment& payment, const core::Transfer& transfer) {
  payment.minor = transfer.amount.minor;
  payment.currency = currency_place(transfer.amount.currency);
  payment.from = account_place(transfer.from);
  payment.to = account_place(transfer.to);
}

// One that was put aside is known until a replay of it brings it again, processed or waiting.
void Books::fact(const Uuid& id, Payment& payment, std::uint32_t fact, Stand stand) {
  const bool known = (payment.facts & fact) != 0;
  const bool was_aside = (payment.aside & fact) != 0;
  if (stand == Stand::aside) {
    payment.aside |= known ? 0U : fact;
  } else if (was_aside) {
    payment.aside &= ~fact;
  } else if (known) {
    note("payment " + to_string(id) + " has a second " + name_of(fact));
  }
  payment.facts |= fact;
}

void Books::take_command(std::int32_t partition, std::int64_t offset,
                         const core::Command& command) {
  const auto* submit = std::get_if<core::SubmitPayment>(&command);
  if (submit == nullptr) {
    return;  // account commands are known by what intake forwards and how they end
  }
  const core::Transfer& transfer = submit->transfer;
  const auto [found, added] = payments_.try_emplace(transfer.payment.value());
  Payment& payment = found->second;
  if (added) {
    set_content(payment, transfer);
  } else if (!same_content(payment, transfer)) {
    payment.facts |= kOtherContent;
  }
  payment.facts |= kCommand | (before(cut_.intake, partition, offset) ? kTaken : 0U);
}

void Books::take_leg(const core::Transfer& transfer, std::uint32_t leg, Stand stand) {
  const Uuid& id = transfer.payment.value();
  const auto [found, added] = payments_.try_emplace(id);
  Payment& payment = found->second;
  // The first leg of an id with several contents tells which of them intake took.
  const bool decides = (payment.facts & kOtherContent) != 0 && (payment.facts & kLegs) == 0;
  if (added || decides) {
    set_content(payment, transfer);
  } else if (!same_content(payment, transfer)) {
    note("payment " + to_string(id) + ": its " + name_of(leg) +
         " differs from what was said before");
  }
  fact(id, payment, leg, stand);
  payment.facts |= stand == Stand::processed ? leg << 1U : 0U;  // each leg's "done" is the next bit
}

void Books::take_account_command(const Uuid& id, core::CommandKind kind,
                                 const core::AccountId& account, const core::Money& amount,
                                 Stand stand) {
  AccountCommand& command = commands_[id];
  if (command.sent && stand == Stand::aside) {
    return;  // its replay was read before
  }
  if (command.sent && !command.aside) {
    note("account command " + to_string(id) + " was forwarded twice");
    return;
  }
  command.kind = kind;
  command.account = account_place(account);
  command.amount = amount;
  command.sent = true;
  command.processed = stand == Stand::processed;
  command.aside = stand == Stand::aside;
}

void Books::take_event(std::int32_t partition, std::int64_t offset,
                       const core::InflightEvent& event, bool put_aside) {
  const Stand stand = put_aside                                 ? Stand::aside
                      : before(cut_.account, partition, offset) ? Stand::processed
                                                                : Stand::waiting;
  if (const auto* debit = std::get_if<core::DebitLeg>(&event)) {
    take_leg(debit->transfer, kDebit, stand);
  } else if (const auto* credit = std::get_if<core::CreditLeg>(&event)) {
    take_leg(credit->transfer, kCredit, stand);
  } else if (const auto* refund = std::get_if<core::RefundLeg>(&event)) {
    take_leg(refund->transfer, kRefund, stand);
  } else if (const auto* open = std::get_if<core::OpenAccount>(&event)) {
    take_account_command(open->command.value(), core::CommandKind::open_account, open->account,
                         open->opening, stand);
  } else if (const auto* deposit = std::get_if<core::Deposit>(&event)) {
    take_account_command(deposit->command.value(), core::CommandKind::deposit, deposit->account,
                         deposit->amount, stand);
  } else if (const auto* close = std::get_if<core::CloseAccount>(&event)) {
    take_account_command(close->command.value(), core::CommandKind::close_account, close->account,
                         {}, stand);
  }
}

void Books::take_outcome(std::int32_t partition, std::int64_t offset, const core::Outcome& outcome,
                         bool put_aside) {
  if (const auto* of_command = std::get_if<core::CommandOutcome>(&outcome)) {
    if (of_command->status != core::CommandStatus::rejected) {
      AccountCommand& command = commands_[of_command->command.value()];
      if (command.ended && !put_aside) {
        note("account command " + to_string(of_command->command.value()) + " has two ends");
      }
      command.ended = true;
      command.done = of_command->status == core::CommandStatus::done;
    }
    return;
  }
  const auto& ended = std::get<core::PaymentOutcome>(outcome);
  const Uuid& id = ended.payment.value();
  const core::Transfer content{ended.payment, ended.from, ended.to, ended.amount, {}, {}};
  const auto [found, added] = payments_.try_emplace(id);
  Payment& payment = found->second;
  if (added) {
    set_content(payment, content);
  }
  if (ended.status == core::PaymentStatus::rejected) {
    payment.facts |= kRejected;
    return;
  }
  // Without a leg, the refusal tells which of several contents intake took.
  if ((payment.facts & kOtherContent) != 0 && (payment.facts & kLegs) == 0) {
    set_content(payment, content);
  } else if (!same_content(payment, content)) {
    note("payment " + to_string(id) + ": its outcome differs from what was said before");
  }
  const bool done = ended.status == core::PaymentStatus::completed;
  fact(id, payment,
       done           ? kCompleted
       : ended.opened ? kFailed
                      : kRefused,
       put_aside ? Stand::aside : Stand::processed);
  payment.facts |= !put_aside && before(cut_.confirmed, partition, offset) ? kResultDue : 0U;
}

void Books::take_result(const core::PaymentResult& result) {
  const Uuid& id = result.payment.value();
  const core::Transfer content{result.payment, result.from, result.to, result.amount, {}, {}};
  const auto [found, added] = payments_.try_emplace(id);
  if (added) {
    set_content(found->second, content);
  } else if (!same_content(found->second, content)) {
    note("payment " + to_string(id) + ": its public result differs from its outcome");
  }
  fact(id, found->second, result.confirmed ? kConfirmed : kFailedResult, Stand::processed);
}

void Books::take_account(const core::AccountId& id, const core::AccountRow& row) {
  Account& account = accounts_[account_place(id)];
  account.stored = true;
  account.row = row;
}

void Books::check_payment(const Uuid& id, const Payment& payment) {
  for (const Law& law : kLaws) {
    if ((payment.facts & law.all) == law.all && (payment.facts & law.none_of) == 0) {
      note("payment " + to_string(id) + " " + law.broken);
    }
  }
}

void Books::post(const Payment& payment, CurrencyBooks& books) {
  constexpr std::uint32_t kDebited = kDebitDone | kCredit;
  constexpr std::uint32_t kCredited = kCreditDone | kCompleted;
  if ((payment.facts & kDebited) == kDebited) {
    accounts_[payment.from].balance -= payment.minor;
    books.in_transit += payment.minor;
  }
  if ((payment.facts & kCredited) == kCredited) {
    accounts_[payment.to].balance += payment.minor;
    books.in_transit -= payment.minor;
  }
  if ((payment.facts & kRefundDone) != 0) {
    accounts_[payment.from].balance += payment.minor;
    books.in_transit -= payment.minor;
  }
}

void Books::close_payment(const Uuid& id, const Payment& payment, BooksReport& report) {
  check_payment(id, payment);
  const std::uint32_t facts = payment.facts;
  const auto has = [facts](std::uint32_t fact) { return (facts & fact) != 0; };
  const core::Currency currency = core::counted_currency(currencies_[payment.currency]);
  const std::int64_t value = core::counted_value({payment.minor, currency});
  CurrencyBooks& books = report.currencies[std::string(currency.text())];
  post(payment, books);
  const bool accepted = has(kLegs | kEnds);
  books.rejected += has(kRejected) ? 1 : 0;
  if (accepted) {
    books.accepted.add(value);
  } else if (has(kCommand) && !has(kTaken | kRejected)) {
    ++report.waiting;
  }
  for (const auto& [fact, tally] :
       {std::pair(kRefused, &books.refused), std::pair(kCompleted, &books.completed),
        std::pair(kFailed, &books.failed), std::pair(kConfirmed, &books.confirmed_results),
        std::pair(kFailedResult, &books.failed_results)}) {
    if (has(fact)) {
      tally->add(value);
    }
  }
  if (accepted && !has(kEnds)) {
    books.in_flight.add(value);
    report.in_flight += payment.aside == 0 ? 1 : 0;
  }
  for (const std::uint32_t leg : {kDebit, kCredit, kRefund}) {
    report.unprocessed += has(leg) && !has(leg << 1U) && (payment.aside & leg) == 0 ? 1 : 0;
  }
  const bool result_due = has(kEnds) && (payment.aside & kEnds) == 0;
  report.pending_results += result_due && !has(kConfirmed | kFailedResult) ? 1 : 0;
  report.put_aside += payment.aside != 0 ? 1 : 0;
}

void Books::close_command(const Uuid& id, const AccountCommand& command, BooksReport& report) {
  if (!command.sent) {
    if (command.done) {
      note("account command " + to_string(id) + " was done and never forwarded");
    }
    return;
  }
  if (!command.processed) {
    ++(command.aside ? report.put_aside : report.unprocessed);
    return;
  }
  if (!command.ended) {
    note("account command " + to_string(id) + " is lost: it was processed and has no outcome");
  }
  if (!command.done) {
    return;
  }
  Account& account = accounts_[command.account];
  if (command.kind == core::CommandKind::open_account) {
    if (account.opened) {
      note("account " + std::string(account.id.text()) + " was opened twice");
    }
    account.opened = true;
    account.row.currency = account.stored ? account.row.currency : command.amount.currency;
    account.opening += command.amount.minor;
    account.balance += command.amount.minor;
  } else if (command.kind == core::CommandKind::deposit) {
    account.deposits += command.amount.minor;
    account.balance += command.amount.minor;
  }
}

void Books::close_accounts(BooksReport& report) {
  std::vector<const Account*> in_order;
  for (const Account& account : accounts_) {
    if (account.opened || account.stored || account.balance != core::Sum{}) {
      in_order.push_back(&account);
    }
  }
  std::sort(in_order.begin(), in_order.end(),
            [](const Account* a, const Account* b) { return a->id < b->id; });
  for (const Account* account : in_order) {
    CurrencyBooks& books = report.currencies[std::string(account->row.currency.text())];
    books.balances += account->stored ? account->row.balance : core::Sum{};
    if (account->id.reserved()) {
      books.suspense += account->row.balance;
      continue;
    }
    ++books.accounts;
    books.opening += account->opening;
    books.deposits += account->deposits;
    books.computed += account->balance;
    const std::string name = "account " + std::string(account->id.text());
    const core::Sum stored = account->stored ? account->row.balance : core::Sum{};
    if (account->opened != account->stored) {
      note(name + (account->stored ? " is in the changelog and was never opened"
                                   : " was opened and is not in the changelog"));
    } else if (stored != account->balance) {
      note(name + ": the changelog has " + to_string(stored) + ", the events make " +
           to_string(account->balance) + " (minor units)");
    } else if (account->row.opening != account->opening ||
               account->row.deposits != account->deposits) {
      note(name + ": its opening balance or its deposits differ from the commands'");
    }
  }
}

BooksReport Books::close() {
  BooksReport report;
  for (const auto& [id, command] : commands_) {
    close_command(id, command, report);
  }
  for (const auto& [id, payment] : payments_) {
    close_payment(id, payment, report);
  }
  close_accounts(report);
  report.differences = differences_;
  report.first = first_;
  return report;
}

}  // namespace kpay::ctl
