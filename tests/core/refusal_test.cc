// Refusals in the order of their precedence: each table breaks its rules one after the other,
// last one first, so that at each line all later rules are broken too.
#include "core/refusal.h"

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "core/account.h"
#include "core/intake.h"
#include "core/make.h"

namespace kpay::core {
namespace {

using testing::kHour;
using testing::kMinute;
using testing::kNow;

const std::string kLongReference(kReferenceMax + 1, 'x');

// What a submit is decided from.
struct IntakeCase {
  SubmitPayment submit = testing::submit(1);
  IdRow known;
  bool is_known = false;
};

struct IntakeRule {
  Refusal refusal;
  std::function<void(IntakeCase&)> broken_by;
};

const std::vector<IntakeRule> kSubmitRules = {
    {Refusal::exists_with_different_content, [](IntakeCase& c) { c.is_known = true; }},
    {Refusal::id_must_be_version_7,
     [](IntakeCase& c) { c.submit.transfer.payment = PaymentId(Uuid{}); }},
    {Refusal::id_expired,
     [](IntakeCase& c) {
       c.submit.transfer.payment = PaymentId(testing::id(1, {kNow.ms - 12 * kHour - 1}));
     }},
    {Refusal::id_from_the_future,
     [](IntakeCase& c) {
       c.submit.transfer.payment = PaymentId(testing::id(1, {kNow.ms + 15 * kMinute + 1}));
     }},
    {Refusal::account_id_is_reserved,
     [](IntakeCase& c) { c.submit.transfer.from = testing::account("suspense:EUR"); }},
    {Refusal::accounts_must_differ,
     [](IntakeCase& c) { c.submit.transfer.to = c.submit.transfer.from; }},
    {Refusal::amount_must_be_positive, [](IntakeCase& c) { c.submit.transfer.amount.minor = 0; }},
    {Refusal::amount_exceeds_limit,
     [](IntakeCase& c) { c.submit.transfer.amount.minor = kAmountMax + 1; }},
    {Refusal::currency_unknown,
     [](IntakeCase& c) { c.submit.transfer.amount.currency = testing::currency("ZZZ"); }},
    {Refusal::reference_too_long,
     [](IntakeCase& c) { c.submit.transfer.reference = kLongReference; }},
};

// What an account decides from.
struct AccountCase {
  InflightEvent event;
  AccountRow row = testing::account_row(500);
  bool exists = true;
};

struct AccountRule {
  Refusal refusal;
  std::function<void(AccountCase&)> broken_by;
};

void close_row(AccountCase& c) { c.row.state = AccountState::closed; }
void no_row(AccountCase& c) { c.exists = false; }
void dollars(AccountCase& c) { c.row.currency = testing::currency("USD"); }
const AccountId kReserved = testing::account("suspense:EUR");

const std::vector<AccountRule> kDebitRules = {
    {Refusal::account_id_is_reserved,
     [](AccountCase& c) { std::get<DebitLeg>(c.event).transfer.from = kReserved; }},
    {Refusal::account_not_found, no_row},
    {Refusal::account_closed, close_row},
    {Refusal::currency_must_match_account, dollars},
    {Refusal::exceeds_balance, [](AccountCase& c) { c.row.balance = Sum(499); }},
};

const std::vector<AccountRule> kCreditRules = {
    {Refusal::account_id_is_reserved,
     [](AccountCase& c) { std::get<CreditLeg>(c.event).transfer.to = kReserved; }},
    {Refusal::account_not_found, no_row},
    {Refusal::account_closed, close_row},
    {Refusal::currency_must_match_account, dollars},
    {Refusal::overflows_balance, [](AccountCase& c) { c.row.balance = Sum(kBalanceMax - 499); }},
};

const std::vector<AccountRule> kDepositRules = {
    {Refusal::account_id_is_reserved,
     [](AccountCase& c) { std::get<Deposit>(c.event).account = kReserved; }},
    {Refusal::amount_must_be_positive,
     [](AccountCase& c) { std::get<Deposit>(c.event).amount.minor = 0; }},
    {Refusal::amount_exceeds_limit,
     [](AccountCase& c) { std::get<Deposit>(c.event).amount.minor = kAmountMax + 1; }},
    {Refusal::account_not_found, no_row},
    {Refusal::account_closed, close_row},
    {Refusal::currency_must_match_account, dollars},
    {Refusal::overflows_balance, [](AccountCase& c) { c.row.balance = Sum(kBalanceMax); }},
};

const std::vector<AccountRule> kOpenRules = {
    {Refusal::account_id_is_reserved,
     [](AccountCase& c) { std::get<OpenAccount>(c.event).account = kReserved; }},
    {Refusal::opening_must_not_be_negative,
     [](AccountCase& c) { std::get<OpenAccount>(c.event).opening.minor = -1; }},
    {Refusal::amount_exceeds_limit,
     [](AccountCase& c) { std::get<OpenAccount>(c.event).opening.minor = kAmountMax + 1; }},
    {Refusal::currency_unknown,
     [](AccountCase& c) {
       std::get<OpenAccount>(c.event).opening.currency = testing::currency("ZZZ");
     }},
    {Refusal::account_exists, [](AccountCase& c) { c.exists = true; }},
};

const std::vector<AccountRule> kCloseRules = {
    {Refusal::account_id_is_reserved,
     [](AccountCase& c) { std::get<CloseAccount>(c.event).account = kReserved; }},
    {Refusal::account_not_found, no_row},
    {Refusal::account_closed, close_row},
    {Refusal::balance_must_be_zero, [](AccountCase& c) { c.row.balance = Sum(1); }},
};

struct AccountTable {
  const char* name;
  AccountCase legal;
  const std::vector<AccountRule>* rules;
};

std::vector<AccountTable> account_tables() {
  const Transfer of_500 = testing::transfer(1, 500);
  AccountCase empty{testing::close(1, "alice")};
  empty.row = testing::account_row(0);
  AccountCase absent{testing::open(1, "alice", 5)};
  absent.exists = false;
  return {{"debit", {DebitLeg{of_500}}, &kDebitRules},
          {"credit", {CreditLeg{of_500}}, &kCreditRules},
          {"deposit", {testing::deposit(1, "alice", 500)}, &kDepositRules},
          {"open", absent, &kOpenRules},
          {"close", empty, &kCloseRules}};
}

Refusal refusal_at(const IntakeCase& c) {
  return decide({c.is_known ? &c.known : nullptr}, Command(c.submit), kNow).refusal;
}
Refusal refusal_at(const AccountCase& c) {
  return decide({c.exists ? &c.row : nullptr}, c.event).refusal;
}

template <class Case, class Rules>
void expect_precedence(Case c, const Rules& rules, const std::string& name,
                       std::set<Refusal>& reached) {
  EXPECT_EQ(refusal_at(c), Refusal::none) << name << ": what breaks no rule is not refused";
  for (auto rule = rules.rbegin(); rule != rules.rend(); ++rule) {
    rule->broken_by(c);
    EXPECT_EQ(to_string(refusal_at(c)), to_string(rule->refusal)) << name;
    reached.insert(rule->refusal);
  }
}

TEST(Refusal, The_first_broken_rule_is_named_and_each_can_be_reached) {
  std::set<Refusal> reached;
  expect_precedence(IntakeCase{}, kSubmitRules, "submit", reached);
  for (const AccountTable& table : account_tables()) {
    expect_precedence(table.legal, *table.rules, table.name, reached);
  }
  for (const Refusal refusal : kRefusals) {
    EXPECT_EQ(reached.count(refusal), refusal == Refusal::account_frozen ? 0U : 1U)
        << to_string(refusal);
  }
}

TEST(Refusal, Account_commands_are_refused_at_intake_for_what_needs_no_account) {
  struct Line {
    Refusal refusal;
    Command command;
  };
  OpenAccount unknown = testing::open(1, "a", 0);
  unknown.opening.currency = testing::currency("ZZZ");
  const Line lines[] = {
      {Refusal::none, testing::open(1, "a", 0)},
      {Refusal::account_id_is_reserved, testing::open(1, "suspense:EUR", -1)},
      {Refusal::opening_must_not_be_negative, testing::open(1, "a", -1)},
      {Refusal::amount_exceeds_limit, testing::open(1, "a", kAmountMax + 1)},
      {Refusal::currency_unknown, unknown},
      {Refusal::none, testing::deposit(1, "a", 1)},
      {Refusal::account_id_is_reserved, testing::deposit(1, "suspense:EUR", 0)},
      {Refusal::amount_must_be_positive, testing::deposit(1, "a", 0)},
      {Refusal::amount_exceeds_limit, testing::deposit(1, "a", kAmountMax + 1)},
      {Refusal::none, testing::close(1, "a")},
      {Refusal::account_id_is_reserved, testing::close(1, "suspense:EUR")},
  };
  for (const Line& line : lines) {
    EXPECT_EQ(to_string(decide({}, line.command, kNow).refusal), to_string(line.refusal));
  }
}

TEST(Refusal, The_numbers_on_the_wire_never_change) {
  const std::pair<std::uint32_t, const char*> numbers[] = {
      {10, "exists_with_different_content"},
      {20, "id_must_be_version_7"},
      {30, "id_expired"},
      {40, "id_from_the_future"},
      {50, "account_id_is_reserved"},
      {60, "accounts_must_differ"},
      {70, "amount_must_be_positive"},
      {80, "opening_must_not_be_negative"},
      {90, "amount_exceeds_limit"},
      {100, "currency_unknown"},
      {110, "reference_too_long"},
      {120, "account_not_found"},
      {130, "account_closed"},
      {140, "account_frozen"},
      {150, "account_exists"},
      {160, "currency_must_match_account"},
      {170, "exceeds_balance"},
      {180, "overflows_balance"},
      {190, "balance_must_be_zero"},
  };
  ASSERT_EQ(std::size(numbers), kRefusals.size());
  for (const auto& [number, name] : numbers) {
    ASSERT_TRUE(refusal_of(number).has_value()) << number;
    EXPECT_EQ(to_string(*refusal_of(number)), name);
  }
  EXPECT_EQ(refusal_of(0), Refusal::none);
  EXPECT_FALSE(refusal_of(11).has_value());
  EXPECT_FALSE(refusal_of(65536 + 10).has_value());
}

}  // namespace
}  // namespace kpay::core
