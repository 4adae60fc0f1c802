// FileLoad: each line's answer is counted once, whatever comes twice.
#include "daemons/load/file_load.h"

#include <gtest/gtest.h>

#include "daemons/load/id_series.h"

namespace kpay::load {
namespace {

const core::Currency kEuro = core::Currency::parse("EUR").value();

core::SubmitPayment payment(const Uuid& id, std::int64_t minor) {
  core::SubmitPayment payment;
  payment.transfer.payment = core::PaymentId(id);
  payment.transfer.from = core::AccountId::parse("a").value();
  payment.transfer.to = core::AccountId::parse("b").value();
  payment.transfer.amount = {minor, kEuro};
  return payment;
}

core::PaymentResult result(const Uuid& id, core::Refusal refusal = core::Refusal::none) {
  core::PaymentResult result;
  result.payment = core::PaymentId(id);
  result.confirmed = refusal == core::Refusal::none;
  result.refusal = refusal;
  return result;
}

core::Outcome rejection(const core::SubmitPayment& payment) {
  return core::rejected(payment.transfer, core::Refusal::exists_with_different_content);
}

TEST(FileLoad, a_payment_is_finished_with_its_first_result) {
  FileLoad load;
  const Uuid id = new_uuid_v7();
  load.add(payment(id, 1));
  EXPECT_EQ(load.unanswered(), 1U);
  load.take(result(id));
  load.take(result(id));
  load.take(result(new_uuid_v7()));
  EXPECT_EQ(load.unanswered(), 0U);
  EXPECT_EQ(load.confirmed(), 1U);
}

TEST(FileLoad, the_same_line_again_has_no_answer_of_its_own) {
  FileLoad load;
  const Uuid id = new_uuid_v7();
  load.add(payment(id, 1));
  load.add(payment(id, 1));
  EXPECT_EQ(load.expected(), 1U);
  EXPECT_EQ(load.repeated(), 1U);
}

TEST(FileLoad, the_same_id_with_other_content_waits_for_a_rejection_too) {
  FileLoad load;
  const Uuid id = new_uuid_v7();
  load.add(payment(id, 1));
  load.take(result(id, core::Refusal::exceeds_balance));
  load.add(payment(id, 2));
  EXPECT_EQ(load.unanswered(), 1U);
  load.take(rejection(payment(id, 2)));
  EXPECT_EQ(load.unanswered(), 0U);
  EXPECT_EQ(load.failed().at("exceeds_balance"), 1U);
  EXPECT_EQ(load.rejected().at("exists_with_different_content"), 1U);
}

TEST(FileLoad, a_rejection_is_the_only_answer_of_a_payment_that_never_was) {
  FileLoad load;
  const Uuid id = new_uuid_v7();
  load.add(payment(id, 1));
  load.take(rejection(payment(id, 1)));
  load.take(rejection(payment(id, 1)));
  EXPECT_EQ(load.finished(), 1U);
}

TEST(IdSeries, an_id_knows_its_number_and_its_series) {
  const IdSeries ids;
  for (const std::uint32_t number : {0U, 1U, 255U, 70'000U, 0xffffffffU}) {
    const Uuid id = ids.make(number, Timestamp{1'795'000'000'000});
    EXPECT_TRUE(id.is_v7());
    EXPECT_EQ(ids.number_of(id), number);
    EXPECT_EQ(IdSeries().number_of(id), std::nullopt);
  }
}

}  // namespace
}  // namespace kpay::load
