#include "daemons/gateway/form.h"

#include <gtest/gtest.h>

#include "core/limits.h"
#include "daemons/gateway/payment.h"

namespace kpay::gateway {
namespace {

const Uuid kId = make_uuid_v7({1'700'000'000'000}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});

struct Read {
  core::Transfer transfer;
  std::string reference;
  std::optional<Problem> problem;
};

std::unique_ptr<Read> read(const std::string& body) {
  auto result = std::make_unique<Read>();
  Form form(body);
  result->transfer = read_transfer(form, kId, result->reference);
  result->problem = form.problem();
  return result;
}

std::string payment(const std::string& money) {
  return R"({"from":"alice","to":"bob",)" + money + "}";
}

TEST(Form, AmountsAreDecimalTextOrWholeMinorUnits) {
  for (const char* money :
       {R"("amount":"12.34","currency":"EUR")", R"("amount_minor":1234,"currency":"EUR")",
        R"("amount_minor":"1234","currency":"EUR")"}) {
    const auto result = read(payment(money));
    ASSERT_FALSE(result->problem) << money << ": " << result->problem->detail;
    EXPECT_EQ(result->transfer.amount.minor, 1234);
    EXPECT_EQ(result->transfer.amount.currency.text(), "EUR");
  }
  EXPECT_EQ(read(payment(R"("amount":"1234","currency":"JPY")"))->transfer.amount.minor, 1234);
}

struct Wrong {
  const char* money;
  Code code;
  const char* field;
};

TEST(Form, WhatIsWrongIsNamedWithWhatWouldBeRight) {
  const Wrong cases[] = {
      {R"("amount":12.34,"currency":"EUR")", Code::field_invalid, "amount"},
      {R"("amount":1234,"currency":"EUR")", Code::field_invalid, "amount"},
      {R"("amount":"12.345","currency":"EUR")", Code::field_invalid, "amount"},
      {R"("amount":"1.5","currency":"JPY")", Code::field_invalid, "amount"},
      {R"("amount":"1e3","currency":"EUR")", Code::field_invalid, "amount"},
      {R"("amount_minor":12.0,"currency":"EUR")", Code::field_invalid, "amount_minor"},
      {R"("amount_minor":"12.0","currency":"EUR")", Code::field_invalid, "amount_minor"},
      {R"("amount_minor":99999999999999999999,"currency":"EUR")", Code::field_invalid,
       "amount_minor"},
      {R"("amount":"1","amount_minor":100,"currency":"EUR")", Code::field_invalid, "amount_minor"},
      {R"("currency":"EUR")", Code::field_missing, "amount"},
      {R"("amount":"1")", Code::field_missing, "currency"},
      {R"("amount":"1","currency":"eur")", Code::field_invalid, "currency"},
      {R"("amount":"1","currency":"QQQ")", Code::field_invalid, "currency"},
      {R"("amount":"1","currency":"EUR","value_date":"2026-02-30")", Code::field_invalid,
       "value_date"},
      {R"("amount":"1","currency":"EUR","refrence":"x")", Code::field_unknown, "refrence"},
  };
  for (const Wrong& wrong : cases) {
    const auto result = read(payment(wrong.money));
    ASSERT_TRUE(result->problem) << wrong.money;
    EXPECT_EQ(result->problem->code, wrong.code) << wrong.money << " " << result->problem->detail;
    EXPECT_EQ(result->problem->field, wrong.field) << wrong.money;
    EXPECT_FALSE(result->problem->expected.empty()) << wrong.money;
  }
}

TEST(Form, AccountsAndTextsHaveTheirLimits) {
  EXPECT_EQ(read(R"({"from":"a b","to":"bob","amount":"1","currency":"EUR"})")->problem->field,
            "from");
  EXPECT_EQ(read(R"({"from":7,"to":"bob","amount":"1","currency":"EUR"})")->problem->field, "from");
  const std::string longest(core::kReferenceMax, 'x');
  const auto with = [](const std::string& reference) {
    return payment(R"("amount":"1","currency":"EUR","reference":")" + reference + "\"");
  };
  EXPECT_FALSE(read(with(longest))->problem);
  EXPECT_EQ(read(with(longest + "x"))->problem->field, "reference");
}

TEST(Form, ABodyThatIsNoObjectIsRefusedWithinItsLimits) {
  for (const std::string& body :
       {std::string(), std::string("7"), std::string("[]"), std::string(R"({"from":)"),
        std::string("{\"from\":\"\xff\"}"), std::string(100'000, '['),
        R"({"a":)" + std::string(20, '[') + std::string(20, ']') + "}"}) {
    const auto result = read(body);
    ASSERT_TRUE(result->problem);
    EXPECT_EQ(result->problem->code, Code::body_invalid) << body.substr(0, 30);
  }
}

TEST(Form, AnIdempotencyKeyIsAUuidOfVersion7) {
  http::Request request;
  Uuid id;
  EXPECT_EQ(read_key(request, id)->code, Code::idempotency_key_missing);
  request.headers["idempotency-key"] = "0b0f1bb4-6e5c-4b52-9ad4-9f9c0e7f9a11";  // version 4
  EXPECT_EQ(read_key(request, id)->code, Code::idempotency_key_invalid);
  request.headers["idempotency-key"] = to_string(kId);
  EXPECT_FALSE(read_key(request, id));
  EXPECT_EQ(id, kId);
}

TEST(Form, RatesAndNumbersHaveBounds) {
  Form form(R"({"rate":500,"accounts":3,"big":99999999999999999999})");
  EXPECT_EQ(form.rate("rate", std::nullopt, 1, 1000), 500);
  EXPECT_EQ(form.number("accounts", 0, 2, 10), 3);
  (void)form.number("big", 0, 0, 10);
  EXPECT_EQ(form.problem()->field, "big");
}

}  // namespace
}  // namespace kpay::gateway
