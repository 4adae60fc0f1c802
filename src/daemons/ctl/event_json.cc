#include "daemons/ctl/event_json.h"

#include <nlohmann/json.hpp>

#include "daemons/ctl/letters.h"
#include "stages/specs.h"
#include "stream/topics.h"
#include "wire/codec.h"

namespace kpay::ctl {

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const core::Money& money) {
  return format_amount(money) + " " + std::string(money.currency.text());
}

Json transfer_json(const char* kind, const core::Transfer& transfer) {
  return {{"kind", kind},
          {"payment_id", to_string(transfer.payment.value())},
          {"from", transfer.from.text()},
          {"to", transfer.to.text()},
          {"amount", text_of(transfer.amount)},
          {"value_date", transfer.value_date.value()}};
}

Json to_json(const core::SubmitPayment& submit) { return transfer_json("submit", submit.transfer); }
Json to_json(const core::DebitLeg& leg) { return transfer_json("debit", leg.transfer); }
Json to_json(const core::CreditLeg& leg) { return transfer_json("credit", leg.transfer); }
Json to_json(const core::RefundLeg& leg) {
  Json json = transfer_json("refund", leg.transfer);
  json["refusal"] = core::to_string(leg.refusal);
  return json;
}
Json account_json(const char* kind, const core::CommandId& id, const core::AccountId& account) {
  return {{"kind", kind}, {"command_id", to_string(id.value())}, {"account", account.text()}};
}
Json to_json(const core::OpenAccount& open) {
  Json json = account_json("open_account", open.command, open.account);
  json["opening"] = text_of(open.opening);
  return json;
}
Json to_json(const core::Deposit& deposit) {
  Json json = account_json("deposit", deposit.command, deposit.account);
  json["amount"] = text_of(deposit.amount);
  return json;
}
Json to_json(const core::CloseAccount& close) {
  return account_json("close_account", close.command, close.account);
}
Json to_json(const core::PaymentOutcome& outcome) {
  return {{"kind", "payment_outcome"},
          {"payment_id", to_string(outcome.payment.value())},
          {"from", outcome.from.text()},
          {"to", outcome.to.text()},
          {"amount", text_of(outcome.amount)},
          {"status", core::to_string(outcome.status)},
          {"refusal", core::to_string(outcome.refusal)}};
}
Json to_json(const core::CommandOutcome& outcome) {
  Json json = account_json("command_outcome", outcome.command, outcome.account);
  json["status"] = core::to_string(outcome.status);
  json["refusal"] = core::to_string(outcome.refusal);
  return json;
}

template <class Codec, class Event>
std::string decoded(ByteView bytes) {
  Codec codec;
  Event event;
  if (codec.decode(bytes, event)) {
    return "null";
  }
  return std::visit([](const auto& each) { return to_json(each).dump(); }, event);
}

std::string result_json(ByteView bytes) {
  wire::ResultCodec codec;
  core::PaymentResult result;
  if (codec.decode(bytes, result)) {
    return "null";
  }
  return Json{{"kind", result.confirmed ? "confirmed" : "failed"},
              {"number", result.number},
              {"payment_id", to_string(result.payment.value())},
              {"from", result.from.text()},
              {"to", result.to.text()},
              {"amount", text_of(result.amount)},
              {"refusal", core::to_string(result.refusal)}}
      .dump();
}

std::string letter_json(ByteView bytes) {
  if (const auto letter = stream::decode_dead_letter(bytes)) {
    return Json{{"kind", "dead_letter"},
                {"offset", letter->origin.offset},
                {"index", letter->origin.index},
                {"reason", reason_text(letter->reason)},
                {"bytes_hash", to_string(letter->bytes_hash)}}
        .dump();
  }
  if (const auto answer = stream::decode_operator_answer(bytes)) {
    return Json{{"kind", "answer"},
                {"record", to_string(answer->record.id)},
                {"done", answer->verdict == stream::OperatorVerdict::done}}
        .dump();
  }
  return "null";
}

}  // namespace

std::string event_json(std::string_view topic, ByteView bytes) {
  if (topic == stages::kTopicIncoming) {
    return decoded<wire::CommandCodec, core::Command>(bytes);
  }
  if (topic == stages::kTopicInflight) {
    return decoded<wire::InflightCodec, core::InflightEvent>(bytes);
  }
  if (topic == stages::kTopicComplete) {
    return decoded<wire::OutcomeCodec, core::Outcome>(bytes);
  }
  if (topic == stages::kTopicConfirmed || topic == stages::kTopicFailed) {
    return result_json(bytes);
  }
  return topic == stream::kDeadLetterTopic ? letter_json(bytes) : "null";
}

}  // namespace kpay::ctl
