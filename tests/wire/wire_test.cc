#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/make.h"
#include "golden/golden.h"
#include "kpay/v1/command.pb.h"
#include "kpay/v1/inflight.pb.h"
#include "kpay/v1/outcome.pb.h"
#include "wire/codec.h"

namespace kpay::wire {
namespace {

using core::Refusal;
using testing::kNow;

template <class T>
using Samples = std::map<std::string, T>;

Samples<core::Command> commands() {
  core::SubmitPayment plain = testing::submit(2, 1);
  plain.transfer.reference = {};
  plain.transfer.value_date = {};
  core::SubmitPayment odd = testing::submit(3, -7);
  odd.transfer.amount.currency = testing::currency("ZZZ");
  return {{"command_submit", testing::submit(1)},
          {"command_submit_plain", plain},
          {"command_submit_refusable", odd},
          {"command_open_account", testing::open(4, "alice", 100'000)},
          {"command_deposit", testing::deposit(5, "alice", 250)},
          {"command_close_account", testing::close(6, "alice")}};
}

Samples<core::InflightEvent> inflight() {
  const core::Transfer transfer = testing::transfer(1);
  return {{"inflight_debit", core::DebitLeg{transfer}},
          {"inflight_credit", core::CreditLeg{transfer}},
          {"inflight_refund", core::RefundLeg{transfer, Refusal::account_closed}},
          {"inflight_open_account", testing::open(4, "alice", 0)},
          {"inflight_deposit", testing::deposit(5, "alice", 250)},
          {"inflight_close_account", testing::close(6, "alice")}};
}

Samples<core::Outcome> outcomes() {
  const core::Transfer transfer = testing::transfer(1);
  return {
      {"outcome_completed", core::completed(transfer)},
      {"outcome_failed", core::failed(transfer, Refusal::exceeds_balance, true)},
      {"outcome_failed_at_intake", core::failed(transfer, Refusal::currency_unknown, false)},
      {"outcome_rejected", core::rejected(transfer, Refusal::id_expired)},
      {"outcome_command_done",
       core::CommandOutcome{core::CommandId(testing::id(5)), testing::account("alice"),
                            core::CommandKind::deposit, core::CommandStatus::done, Refusal::none}},
      {"outcome_command_refused",
       core::CommandOutcome{core::CommandId(testing::id(6)), testing::account("alice"),
                            core::CommandKind::close_account, core::CommandStatus::refused,
                            Refusal::balance_must_be_zero}}};
}

Samples<core::PaymentResult> results() {
  core::PaymentResult result{core::PaymentId(testing::id(1)),
                             42,
                             true,
                             Refusal::none,
                             testing::eur(1234),
                             testing::account("alice"),
                             testing::account("bob"),
                             kNow,
                             {kNow.ms + 20}};
  core::PaymentResult failure = result;
  failure.confirmed = false;
  failure.refusal = Refusal::exceeds_balance;
  return {{"result_confirmed", result}, {"result_failed", failure}};
}

// Each sample as it was once written, by any released version, is the sample still; and what is
// written now is what was written then.
template <class T>
void expect_golden_samples(const Samples<T>& samples) {
  Codec<T> codec;
  for (const auto& [name, sample] : samples) {
    SCOPED_TRACE(name);
    const std::string file = "wire/v1/" + name + ".hex";
    testing::expect_golden(file, to_hex(codec.encode(sample)) + "\n");
    const std::optional<std::string> golden = testing::read_golden(file);
    ASSERT_TRUE(golden.has_value());
    T decoded;
    EXPECT_FALSE(
        codec.decode(*from_hex(golden->substr(0, golden->find('\n'))), decoded).has_value());
    EXPECT_TRUE(decoded == sample);
  }
}

TEST(Wire, R21_Golden_bytes_of_every_released_version_still_decode) {
  expect_golden_samples(commands());
  expect_golden_samples(inflight());
  expect_golden_samples(outcomes());
  expect_golden_samples(results());
}

TEST(Wire, R2_The_same_event_has_the_same_bytes_also_from_a_used_codec) {
  InflightCodec used;
  for (const auto& [name, sample] : inflight()) {
    InflightCodec fresh;
    const Bytes bytes = to_bytes(fresh.encode(sample));
    EXPECT_TRUE(equal(used.encode(sample), bytes)) << name;
  }
}

TEST(Wire, A_codec_may_encode_what_it_has_just_decoded) {
  InflightCodec codec;
  const Bytes debit = to_bytes(codec.encode(inflight().at("inflight_debit")));
  core::InflightEvent event;
  ASSERT_FALSE(codec.decode(debit, event).has_value());
  const core::InflightEvent credit = core::CreditLeg{std::get<core::DebitLeg>(event).transfer};
  const Bytes bytes = to_bytes(codec.encode(credit));
  ASSERT_FALSE(codec.decode(bytes, event).has_value());
  EXPECT_TRUE(event == inflight().at("inflight_credit"));
}

TEST(Wire, No_command_begins_like_a_record_of_the_runtime) {
  CommandCodec codec;
  for (const auto& [name, sample] : commands()) {
    EXPECT_NE(codec.encode(sample).front(), std::byte{'K'}) << name;
  }
}

TEST(Wire, Fields_of_a_newer_version_are_ignored) {
  InflightCodec codec;
  const core::InflightEvent sample = inflight().at("inflight_debit");
  Bytes bytes = to_bytes(codec.encode(sample));
  for (const int byte : {0xa0, 0x06, 0x05}) {  // field 100, varint 5
    bytes.push_back(static_cast<std::byte>(byte));
  }
  core::InflightEvent event;
  EXPECT_FALSE(codec.decode(bytes, event).has_value());
  EXPECT_TRUE(event == sample);
}

template <class T>
std::optional<std::uint16_t> problem_of(std::string_view bytes) {
  Codec<T> codec;
  T event;
  return codec.decode(as_bytes(bytes), event);
}

TEST(Wire, R24_Each_reason_for_a_dead_letter_is_told_apart) {
  using namespace std::string_view_literals;
  EXPECT_EQ(problem_of<core::Command>("\x0a\x7f"sv), core::kDeadUndecodable) << "cut short";
  EXPECT_EQ(problem_of<core::Command>("not a message"sv), core::kDeadUndecodable);
  EXPECT_EQ(problem_of<core::Command>("\x0a\x03\x3a\x01\xff"sv), core::kDeadUndecodable)
      << "a reference that is not UTF-8";
  EXPECT_EQ(problem_of<core::Command>(""sv), core::kDeadUnknownKind);
  EXPECT_EQ(problem_of<core::Command>("\x7a\x00"sv), core::kDeadUnknownKind) << "kind 15";
  EXPECT_EQ(problem_of<core::InflightEvent>("\x7a\x00"sv), core::kDeadUnknownKind);
  EXPECT_EQ(problem_of<core::Outcome>("\x7a\x00"sv), core::kDeadUnknownKind);
  EXPECT_EQ(problem_of<core::PaymentResult>(""sv), core::kDeadUnknownKind);
  EXPECT_EQ(problem_of<core::Command>("\x0a\x00"sv), core::kDeadInvalidField) << "nothing in it";
}

v1::Transfer legal_transfer() {
  v1::Transfer transfer;
  transfer.set_payment_id(std::string(16, '\x01'));
  transfer.set_from("alice");
  transfer.set_to("bob");
  transfer.set_amount_minor(5);
  transfer.set_currency("EUR");
  return transfer;
}

TEST(Wire, R24_A_missing_or_ill_formed_field_is_an_invalid_one) {
  const std::vector<std::function<void(v1::Transfer&)>> faults = {
      [](v1::Transfer& t) { t.clear_payment_id(); },
      [](v1::Transfer& t) { t.set_payment_id(std::string(15, 'x')); },
      [](v1::Transfer& t) { t.set_payment_id(std::string(17, 'x')); },
      [](v1::Transfer& t) { t.clear_from(); },
      [](v1::Transfer& t) { t.set_from("a b"); },
      [](v1::Transfer& t) { t.set_to(std::string(35, 'a')); },
      [](v1::Transfer& t) { t.set_currency("eur"); },
      [](v1::Transfer& t) { t.set_currency("EURO"); },
      [](v1::Transfer& t) { t.set_value_date(20261301); },
  };
  v1::Command command;
  *command.mutable_submit() = legal_transfer();
  EXPECT_EQ(problem_of<core::Command>(command.SerializeAsString()), std::nullopt);
  for (std::size_t i = 0; i < faults.size(); ++i) {
    *command.mutable_submit() = legal_transfer();
    faults[i](*command.mutable_submit());
    EXPECT_EQ(problem_of<core::Command>(command.SerializeAsString()), core::kDeadInvalidField)
        << "fault " << i;
  }
}

TEST(Wire, R24_A_leg_that_intake_would_not_have_sent_is_invalid) {
  const std::vector<std::function<void(v1::Transfer&)>> faults = {
      [](v1::Transfer& t) { t.set_amount_minor(0); },
      [](v1::Transfer& t) { t.set_amount_minor(-1); },
      [](v1::Transfer& t) { t.set_amount_minor(core::kAmountMax + 1); },
      [](v1::Transfer& t) { t.set_currency("ZZZ"); },
      [](v1::Transfer& t) { t.set_reference(std::string(141, 'x')); },
  };
  for (const auto& fault : faults) {
    v1::Transfer transfer = legal_transfer();
    fault(transfer);
    v1::InflightEvent debit;
    *debit.mutable_debit() = transfer;
    v1::InflightEvent credit;
    *credit.mutable_credit() = transfer;
    v1::InflightEvent refund;
    *refund.mutable_refund()->mutable_transfer() = transfer;
    refund.mutable_refund()->set_refusal(130);
    for (const auto& event : {debit, credit, refund}) {
      EXPECT_EQ(problem_of<core::InflightEvent>(event.SerializeAsString()),
                core::kDeadInvalidField);
    }
  }
  v1::InflightEvent unnamed;
  *unnamed.mutable_refund()->mutable_transfer() = legal_transfer();
  EXPECT_EQ(problem_of<core::InflightEvent>(unnamed.SerializeAsString()), core::kDeadInvalidField)
      << "a refund without its reason";
}

TEST(Wire, R24_An_outcome_that_contradicts_itself_is_invalid) {
  struct Line {
    v1::PaymentOutcome::Status status;
    std::uint32_t refusal;
    bool opened;
    bool valid;
  };
  const Line lines[] = {
      {v1::PaymentOutcome::COMPLETED, 0, true, true},
      {v1::PaymentOutcome::COMPLETED, 0, false, false},
      {v1::PaymentOutcome::COMPLETED, 130, true, false},
      {v1::PaymentOutcome::FAILED, 130, true, true},
      {v1::PaymentOutcome::FAILED, 70, false, true},
      {v1::PaymentOutcome::FAILED, 0, true, false},
      {v1::PaymentOutcome::FAILED, 131, true, false},
      {v1::PaymentOutcome::REJECTED, 30, false, true},
      {v1::PaymentOutcome::REJECTED, 30, true, false},
      {v1::PaymentOutcome::UNKNOWN, 0, true, false},
      {static_cast<v1::PaymentOutcome::Status>(9), 30, true, false},
  };
  for (const Line& line : lines) {
    v1::OutcomeEvent event;
    v1::PaymentOutcome& payment = *event.mutable_payment();
    payment.set_payment_id(std::string(16, 'x'));
    payment.set_from("alice");
    payment.set_to("bob");
    payment.set_currency("EUR");
    payment.set_status(line.status);
    payment.set_refusal(line.refusal);
    payment.set_opened(line.opened);
    EXPECT_EQ(problem_of<core::Outcome>(event.SerializeAsString()).has_value(), !line.valid)
        << line.status << " " << line.refusal << " " << line.opened;
  }
}

TEST(Wire, R24_Whatever_the_bytes_are_they_are_an_event_or_a_dead_letter) {
  std::mt19937 random(9);
  InflightCodec codec;
  OutcomeCodec outcome_codec;
  std::vector<Bytes> seeds;
  for (const auto& [name, sample] : inflight()) {
    seeds.push_back(to_bytes(codec.encode(sample)));
  }
  for (const auto& [name, sample] : outcomes()) {
    seeds.push_back(to_bytes(outcome_codec.encode(sample)));
  }
  core::InflightEvent event;
  core::Outcome outcome;
  for (int i = 0; i < 30'000; ++i) {
    Bytes bytes = seeds[random() % seeds.size()];
    for (std::size_t n = 1 + random() % 3; n > 0; --n) {
      bytes[random() % bytes.size()] = static_cast<std::byte>(random());
    }
    bytes.resize(random() % 4 == 0 ? random() % bytes.size() : bytes.size());
    // Whatever decodes is written in a form that decodes to the same.
    if (!codec.decode(bytes, event).has_value()) {
      const Bytes again = to_bytes(codec.encode(event));
      core::InflightEvent copy;
      InflightCodec other;
      ASSERT_FALSE(other.decode(again, copy).has_value());
      ASSERT_TRUE(event == copy);
    }
    (void)outcome_codec.decode(bytes, outcome);
  }
}

}  // namespace
}  // namespace kpay::wire
